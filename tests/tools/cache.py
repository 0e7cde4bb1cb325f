#!/usr/bin/env python3
"""kiln cache on one driver: every command does what it says, says it in JSON too, and is safe to interrupt."""
import json
import os
import pathlib
import shutil
import signal
import subprocess
import sys
import time

import support
from support import BAD_KERNEL, BAD_LAUNCH, EXPECTED_WARM, FILE, INTERRUPTED, NO_DEVICE, OK, USAGE

def real_compiler(of):
    """Only RADV gives blobs with code in them."""
    return of.driver == "radv_null"


def compile_one(kiln, *args, name="saxpy"):
    return kiln.json("compile", kiln.shader(name), *args)["kernels"][0]


def files(of):
    return sorted(path for path in (of.cache / "v1").rglob("*.bin") if path.parent.name != "quarantine")


def private_folder(path):
    path.mkdir(parents=True, exist_ok=True)
    while path != path.parent and path.stat().st_uid == os.getuid() and "kiln-tools-" in str(path):
        path.chmod(0o700)
        path = path.parent


def fake_entries(kiln, count, data=b"rubbish", when=None):
    """Files with entries' names, spread over the folders as entries are."""
    for shard in range(min(count, 256)):
        private_folder(kiln.cache / "v1" / f"{shard:02x}")
    for i in range(count):
        name = f"{i % 256:02x}{i:030x}.{i:032x}.{'0' * 32}.bin"
        path = kiln.cache / "v1" / f"{i % 256:02x}" / name
        path.write_bytes(data)
        if when is not None:
            os.utime(path, (when, when))


def interrupt(kiln, *args):
    """Ctrl-C as soon as the command watches for it; (exit status, stdout, stderr)."""
    process = kiln.start(*args)
    support.wait_for_interrupts(process)
    process.send_signal(signal.SIGINT)
    out, messages = process.communicate(timeout=120)
    return process.returncode, out, messages


# ---- ls, show, stat


def show_finds_an_entry_by_its_first_digits(kiln):
    kernel = compile_one(kiln)
    for wanted in (kernel["pipeline_id"], kernel["pipeline_id"][:12], kernel["pipeline_id"][:4].upper(), files(kiln)[0]):
        entry, = kiln.json("cache", "show", wanted)["entries"]
        assert entry["kind"] == "pipeline" and entry["pipeline_id"] == kernel["pipeline_id"], entry
        assert entry["key"]["workgroup"] == kernel["workgroup"] and entry["key"]["entry"] == "main"
        assert entry["key"]["push_bytes"] == 8 and entry["key"]["constants"] == [{"id": 0, "size": 4, "value": 64}]
        assert entry["dispatch_policy"] == kernel["dispatch_policy"] and entry["stub"] == kernel["stub"]
    text = kiln("cache", "show", kernel["pipeline_id"][:12]).stdout
    assert kernel["pipeline_id"] in text and kernel["dispatch_policy"] in text and str(files(kiln)[0]) in text


def show_refuses_what_is_no_id_and_misses_what_is_not_there(kiln):
    for wanted in ("", "abc", "xyz1", "0x1234", "../../etc/passwd", "a" * 65, "%s%n"):
        kiln.json("cache", "show", wanted, code=USAGE)
    for wanted in ("0000", "0" * 64, "/etc/passwd"):
        kiln.json("cache", "show", wanted, code=FILE)
    kiln.json("cache", "show", code=USAGE)
    kiln.json("cache", "show", "0000", "1111", code=USAGE)


def show_says_that_a_damaged_file_is_damaged(kiln):
    compile_one(kiln)
    path, = files(kiln)
    path.write_bytes(path.read_bytes()[:-1])
    entry, = kiln.json("cache", "show", path)["entries"]
    assert entry["status"] == "KILN_ERR_DAMAGED" and "pipeline_id" not in entry
    assert "unreadable" in kiln("cache", "show", path).stdout and path.exists()


def stat_counts_what_ls_lists(kiln):
    assert kiln.json("cache", "stat")["pipelines"] == 0 and not kiln.cache.exists()
    kernels = [compile_one(kiln), compile_one(kiln, "--workgroup", "32")]
    stat = kiln.json("cache", "stat")
    assert stat["pipelines"] == 2 and stat["contents"] == 0 and stat["litter"] == 0 and stat["unreadable"] == 0, stat
    assert stat["stubs"] == (0 if real_compiler(kiln) else 2)
    listed = kiln.json("cache", "ls")["entries"]
    assert stat["compile_ns"] == sum(entry["compile_ns"] for entry in listed) > 0
    assert stat["pipeline_bytes"] == sum(path.stat().st_blocks * 512 for path in files(kiln))
    assert stat["oldest_use"] <= stat["newest_use"] and stat["oldest_use"].startswith("2")
    assert stat["max_bytes"] == 1 << 30
    assert kiln.json("cache", "stat", env={"KILN_CACHE_MAX_BYTES": "4096"})["max_bytes"] == 4096
    assert len(kernels) == 2 and "pipelines                2" in kiln("cache", "stat").stdout
    fake_entries(kiln, 3)
    assert kiln.json("cache", "stat")["unreadable"] == 3


# ---- verify


def verify_is_silent_about_good_entries_and_names_bad_ones(kiln):
    answer = kiln.json("cache", "verify")
    assert answer["good"] == 0 and answer["problems"] == [] and not kiln.cache.exists()
    compile_one(kiln)
    compile_one(kiln, "--workgroup", "32")
    assert kiln.json("cache", "verify")["good"] == 2
    path = files(kiln)[0]
    data = bytearray(path.read_bytes())
    data[len(data) // 2] ^= 1
    path.write_bytes(data)
    answer = kiln.json("cache", "verify", code=FILE)
    assert answer["problems"] == [{"path": str(path), "status": "KILN_ERR_DAMAGED"}], answer
    assert (answer["good"], answer["damaged"], answer["removed"]) == (1, 1, 0) and path.exists()
    assert str(path) in kiln("cache", "verify", code=FILE).stdout
    answer = kiln.json("cache", "verify", "--remove")
    assert (answer["damaged"], answer["removed"]) == (1, 1) and not path.exists()
    assert kiln.json("cache", "verify")["good"] == 1


def verify_names_strangers_and_leaves_them(kiln):
    compile_one(kiln)
    folder = files(kiln)[0].parent
    (folder / "notes.txt").write_text("mine")
    (folder / ("0" * 32 + "." + "1" * 32 + "." + "2" * 32 + ".bin")).symlink_to("/etc/passwd")
    answer = kiln.json("cache", "verify", "--remove")
    assert answer["foreign"] >= 1 and answer["good"] == 1, answer
    assert (folder / "notes.txt").exists()


# ---- gc and clear


def gc_keeps_to_its_bounds(kiln):
    for workgroup in (16, 32, 64, 128):
        compile_one(kiln, "--workgroup", workgroup)
    assert kiln.json("cache", "gc")["removed"] == 0
    size = kiln.json("cache", "stat")["pipeline_bytes"]
    dry = kiln.json("cache", "gc", "--dry-run", "--max-bytes", size // 2)
    assert dry["dry_run"] and 1 <= dry["removed"] <= 3 and len(files(kiln)) == 4, dry
    done = kiln.json("cache", "gc", "--max-bytes", size // 2)
    assert not done["dry_run"] and done["removed"] == dry["removed"] and done["failed"] == 0
    assert len(files(kiln)) == 4 - done["removed"]
    assert kiln.json("cache", "stat")["pipeline_bytes"] <= size // 2
    left = len(files(kiln))
    old = time.time() - 3 * 86400
    os.utime(files(kiln)[0], (old, old))
    assert kiln.json("cache", "gc", "-n", "--max-age", "2d")["removed"] == 1
    assert kiln.json("cache", "gc", "--max-age", "4d")["removed"] == 0
    assert "removed 1 of" in kiln("cache", "gc", "--max-age", "48h").stdout and len(files(kiln)) == left - 1


def gc_refuses_bounds_that_make_no_sense(kiln):
    compile_one(kiln)
    for option in ("--max-bytes", "--max-age"):
        for value in ("", "0", "-1", "many", "1e9", "99999999999999999999", "1K2", "4x4", "0x", " 5", "5 ", "1.5G", "%n"):
            kiln.json("cache", "gc", f"{option}={value}", code=USAGE)
        kiln.json("cache", "gc", option, code=USAGE)
    for value in ("5", "s", "0d", "-3d", "9999999999999999d", "3y"):
        kiln.json("cache", "gc", "--max-age", value, code=USAGE)
    kiln.json("cache", "gc", "everything", code=USAGE)
    assert len(files(kiln)) == 1


def clear_removes_entries_and_nothing_else(kiln):
    compile_one(kiln)
    compile_one(kiln, "--workgroup", "32")
    fake_entries(kiln, 3)
    stranger = kiln.cache / "mine.txt"
    stranger.write_text("mine")
    store = kiln.cache / "autotune.toml"
    store.write_text("schema = 1\n")
    answer = kiln.json("cache", "clear")
    assert answer["removed"] == 5 and answer["failed"] == 0 and answer["forgiven"] is True, answer
    assert files(kiln) == [] and stranger.exists() and store.exists()
    assert kiln.json("cache", "ls")["entries"] == []
    assert kiln("cache", "clear").stdout.startswith("removed 0 entries")


def cache_that_must_not_change_is_not_changed(kiln):
    compile_one(kiln)
    path, = files(kiln)
    pack = kiln.path("a.pack")
    kiln.json("cache", "export", pack)
    path.write_bytes(b"rubbish")
    for mode in ("ro", "off"):
        for args in (("gc", "--max-bytes", "1"), ("clear",), ("verify", "--remove"), ("import", pack)):
            kiln.json("cache", *args, env={"KILN_CACHE": mode}, code=FILE)
        assert path.read_bytes() == b"rubbish"
        assert kiln.json("cache", "gc", "--dry-run", "--max-bytes", 1, env={"KILN_CACHE": mode})["removed"] == 1
        assert len(kiln.json("cache", "ls", env={"KILN_CACHE": mode})["entries"]) == 1


def looking_creates_nothing(kiln):
    for args in (("ls",), ("path",), ("stat",), ("verify",), ("gc", "-n"), ("why", kiln.shader("saxpy"))):
        kiln.json("cache", *args)
    kiln.json("cache", "show", "abcd", code=FILE)
    assert not kiln.cache.exists()


# ---- export and import


def pack_carries_entries_to_another_cache(kiln):
    first = compile_one(kiln)
    compile_one(kiln, "--workgroup", "32")
    compile_one(kiln, name="reduce")
    pack, other = kiln.path("all.pack"), {"KILN_CACHE_DIR": str(kiln.path("other"))}
    answer = kiln.json("cache", "export", pack)
    assert answer["entries"] == 3 and answer["skipped"] == 0 and pack.stat().st_mode & 0o022 == 0
    answer = kiln.json("cache", "import", pack, env=other)
    assert (answer["entries"], answer["present"]) == (3, 0)
    answer = kiln.json("cache", "import", pack, env=other)
    assert (answer["entries"], answer["present"]) == (0, 3)
    again = kiln.json("compile", kiln.shader("saxpy"), env=other)["kernels"][0]
    assert again["pipeline_id"] == first["pipeline_id"]
    assert again["outcome"] == "disk" or not real_compiler(kiln)
    # Unpacked, as a read-only layer.
    third = {"KILN_CACHE_DIR": str(kiln.path("third")), "KILN_CACHE_PACKS": str(pack)}
    assert kiln.json("compile", kiln.shader("saxpy"), env=third)["kernels"][0]["outcome"] == again["outcome"]
    assert kiln.json("cache", "stat", env=third)["layer_entries"] == 3


def export_takes_only_what_is_asked_for(kiln):
    kernel = compile_one(kiln)
    compile_one(kiln, "--workgroup", "32")
    compile_one(kiln, name="reduce")
    device = kiln.json("cache", "ls")["entries"][0]["device_digest"]
    pack = kiln.path("some.pack")
    for args, count in ((("--program", kiln.shader("saxpy")), 2), (("--program", kernel["program_digest"]), 2),
                        (("-p", kernel["program_digest"][:12]), 2), (("--device", device[:8]), 3), (("-d", "0"), 3),
                        (("-p", kiln.shader("reduce"), "-d", device), 1), (("-p", kiln.shader("scan")), 0)):
        assert kiln.json("cache", "export", pack, *args)["entries"] == count, args
    kiln.json("cache", "export", pack, "--program", "0" * 64, code=USAGE)
    kiln.json("cache", "export", pack, "--program", "nothing.spv", code=FILE)
    kiln.json("cache", "export", pack, "--program", kiln.write("bad.spv", "rubbish"), code=BAD_KERNEL)
    kiln.json("cache", "export", pack, "--device", "no such device", code=NO_DEVICE)


def bad_places_and_packs_are_sentences(kiln):
    compile_one(kiln)
    kiln.json("cache", "export", kiln.path("no/such/folder/x.pack"), code=FILE)
    kiln.json("cache", "export", kiln.folder, code=FILE)
    kiln.json("cache", "export", code=USAGE)
    kiln.json("cache", "import", kiln.path("missing.pack"), code=FILE)
    kiln.json("cache", "import", kiln.folder, code=FILE)
    pack = kiln.path("a.pack")
    kiln.json("cache", "export", pack)
    good = pack.read_bytes()
    link = kiln.path("link.pack")
    link.symlink_to(pack)
    kiln.json("cache", "import", link, code=FILE)
    pack.chmod(0o666)
    kiln.json("cache", "import", pack, code=FILE)
    pack.chmod(0o600)
    for data in (b"", b"rubbish", good[:40], good[:-1], bytes(len(good))):
        pack.write_bytes(data)
        kiln.json("cache", "import", pack, code=FILE)
    assert len(files(kiln)) == 1


def export_replaces_files_and_nothing_else(kiln):
    compile_one(kiln)
    pack, pipe, link, folder = (kiln.path(name) for name in ("a.pack", "pipe", "link", "folder"))
    kiln.json("cache", "export", pack)
    kiln.json("cache", "export", pack)
    os.mkfifo(pipe)
    link.symlink_to(pack)
    folder.mkdir()
    before = pack.read_bytes()
    for place, what in ((pipe, "pipe"), (link, "symbolic link"), (folder, "folder"), ("/dev/null", "device"),
                        (kiln.path("dangling"), "symbolic link")):
        if place == kiln.path("dangling"):
            place.symlink_to(kiln.path("nowhere"))
        message = kiln.json("cache", "export", place, code=FILE)["error"]["message"]
        assert what in message and "Fix:" in message, message
    assert pipe.is_fifo() and link.is_symlink() and folder.is_dir() and pack.read_bytes() == before
    assert not [path for path in kiln.folder.rglob("*") if ".tmp" in path.name]


# ---- why


def why_follows_a_pipeline_from_nothing_to_found(kiln):
    why = kiln.json("cache", "why", kiln.shader("saxpy"))
    assert (why["verdict"], why["miss_reason"], why["compiles"]) == ("not_found", "empty_cache", True), why
    kernel = compile_one(kiln)
    why = kiln.json("cache", "why", kiln.shader("saxpy"))
    assert why["pipeline_id"] == kernel["pipeline_id"] and why["dispatch_policy"] == kernel["dispatch_policy"]
    assert why["verdict"] == ("found" if real_compiler(kiln) else "stub") and why["miss_reason"] == "none"
    assert why["compiles"] is not real_compiler(kiln)
    assert f"verdict    {why['verdict']}: " in kiln("cache", "why", kiln.shader("saxpy")).stdout
    for env, args in (({"KILN_CACHE": "off"}, ()), ({}, ("--no-cache",))):
        assert kiln.json("cache", "why", kiln.shader("saxpy"), *args, env=env)["verdict"] == "off"


def why_names_the_field_that_moved(kiln):
    compile_one(kiln)
    compile_one(kiln, "--workgroup", "256")
    why = kiln.json("cache", "why", "--workgroup", "128", kiln.shader("saxpy"))
    assert why["miss_reason"] == "dispatch_policy_changed" and why["evidence"]["same_program"] == 2
    assert why["nearest"]["difference"] in ("wg 64x1x1 -> 128x1x1, spec 0: 64 -> 128",
                                            "wg 256x1x1 -> 128x1x1, spec 0: 256 -> 128"), why
    assert why["nearest"]["fields"] == 2
    assert "nearest " in kiln("cache", "why", "--workgroup", "128", kiln.shader("saxpy")).stdout
    why = kiln.json("cache", "why", kiln.shader("reduce"))
    assert why["miss_reason"] == "program_changed" and why["nearest"] is None


def why_tells_what_became_of_an_entry(kiln):
    assert kiln.json("cache", "why", kiln.shader("saxpy"))["fate"] is None
    compile_one(kiln)
    path, = files(kiln)
    kiln.json("cache", "gc", "--max-bytes", "1")
    why = kiln.json("cache", "why", kiln.shader("saxpy"))
    assert (why["verdict"], why["fate"]) == ("not_found", "evicted") and why["fate_time"].startswith("2"), why
    assert "history    it was collected" in kiln("cache", "why", kiln.shader("saxpy")).stdout
    compile_one(kiln)
    path.write_bytes(path.read_bytes()[:-1])
    kiln.json("cache", "verify", "--remove")
    why = kiln.json("cache", "why", kiln.shader("saxpy"))
    assert (why["verdict"], why["fate"]) == ("not_found", "damaged"), why
    kiln.json("cache", "clear")
    assert kiln.json("cache", "why", kiln.shader("saxpy"))["fate"] is None


def why_sees_another_driver(kiln):
    compile_one(kiln)
    env = {"RADV_FORCE_FAMILY": "POLARIS10"} if real_compiler(kiln) else {"VK_INSTANCE_LAYERS": "VK_LAYER_KHRONOS_validation"}
    why = kiln.json("cache", "why", kiln.shader("saxpy"), env=env)
    assert why["miss_reason"] == "device_or_runtime_changed", why
    assert "driver " in why["nearest"]["difference"], why


def why_reads_the_entries_of_its_program_only(kiln):
    """Ten thousand others, each of which would be told as unreadable."""
    compile_one(kiln)
    fake_entries(kiln, 10000)
    start = time.monotonic()
    answer = kiln.json("cache", "why", "--workgroup", "128", kiln.shader("saxpy"))
    took = time.monotonic() - start
    assert answer["nearest"]["fields"] == 2, answer
    start = time.monotonic()
    assert kiln.json("cache", "ls")["unreadable"] == 10000
    print(f"why {took:.3f} s, ls {time.monotonic() - start:.3f} s")
    if shutil.which("strace"):
        done = subprocess.run(["strace", "-f", "-e", "trace=openat", "-o", kiln.path("trace"), kiln.tool, "cache", "why",
                               "--workgroup", "128", kiln.shader("saxpy")], env=kiln.env, capture_output=True, check=False)
        entries = sum(".bin" in line and "v1" in line for line in kiln.path("trace").read_text().splitlines())
        assert done.returncode != 0 or entries <= 4, entries


def why_takes_the_tuned_sizes_a_launch_takes(kiln):
    """A broken store is noticed by whoever reads it: the one beside the default root, not one in it."""
    env = {"KILN_CACHE_DIR": "", "XDG_CACHE_HOME": str(kiln.folder)}
    kiln.json("compile", kiln.shader("saxpy"), env=env)
    (kiln.folder / "kiln/autotune.toml").write_text("broken")
    for args in (("compile",), ("cache", "why")):
        assert "running without tuned sizes" in kiln(*args, kiln.shader("saxpy"), env=env).stderr, args
    for variables in ({"KILN_AUTOTUNE": "off"}, {"KILN_AUTOTUNE_STORE": str(kiln.path("none.toml"))}):
        assert "tuned" not in kiln("cache", "why", kiln.shader("saxpy"), env={**env, **variables}).stderr
    assert "tuned" not in kiln("cache", "why", "--no-autotune", kiln.shader("saxpy"), env=env).stderr


def why_tells_damage_from_absence_and_leaves_it(kiln):
    compile_one(kiln)
    path, = files(kiln)
    data = path.read_bytes()
    path.write_bytes(data[:-1] + bytes([data[-1] ^ 1]))
    for _ in range(2):
        why = kiln.json("cache", "why", kiln.shader("saxpy"))
        assert (why["verdict"], why["miss_reason"]) == ("damaged", "key_absent") and str(path.name) in why["message"], why
    path.write_bytes(data[:8] + b"\x09" + data[9:])
    assert kiln.json("cache", "why", kiln.shader("saxpy"))["verdict"] == "other_version"
    path.unlink()
    path.symlink_to("/etc/passwd")
    assert kiln.json("cache", "why", kiln.shader("saxpy"))["verdict"] == "unreadable"


def why_is_not_misled_by_the_source_of_another_version(kiln):
    kiln.needs_glsl()
    source = kiln.write("own.comp", (kiln.source / "shaders/saxpy.comp").read_bytes())
    kiln.json("compile", source)
    content, = (kiln.cache / "v1/c").rglob("*.bin")
    data = content.read_bytes()
    content.write_bytes(data[:8] + b"\x09" + data[9:])
    assert kiln.json("cache", "why", source, "--workgroup", "32")["verdict"] == "not_found"


def why_says_what_was_set_aside_and_clear_forgives(kiln):
    compile_one(kiln)
    path, = files(kiln)
    aside = kiln.cache / "v1/quarantine"
    private_folder(aside)
    path.rename(aside / path.name)
    notes = kiln.cache / "v1/notes"
    if notes.exists():  # the word that says the folder is not empty
        with open(notes, "r+b") as file:
            file.seek(16)
            file.write((1).to_bytes(8, "little"))
    assert kiln.json("cache", "why", kiln.shader("saxpy"))["verdict"] == "quarantined"
    kiln.json("cache", "clear")
    assert kiln.json("cache", "why", kiln.shader("saxpy"))["verdict"] == "not_found"
    assert not list(aside.glob("*")) if aside.exists() else True


def why_refuses_nonsense(kiln):
    kiln.json("cache", "why", code=USAGE)
    kiln.json("cache", "why", kiln.path("missing.spv"), code=FILE)
    kiln.json("cache", "why", kiln.write("bad.spv", "rubbish"), code=BAD_KERNEL)
    kiln.json("cache", "why", kiln.shader("saxpy"), "--entry", "other", code=BAD_KERNEL)
    kiln.json("cache", "why", kiln.shader("saxpy"), "--spec", "99=1", code=BAD_LAUNCH)
    kiln.json("cache", "why", kiln.shader("saxpy"), "--workgroup", "a", code=USAGE)
    kiln.json("cache", "why", kiln.shader("saxpy"), "--device", "no such device", code=NO_DEVICE)
    assert not kiln.cache.exists()


# ---- KILN_CACHE_EXPECT


def expected_warm_holds_from_end_to_end(kiln):
    """CI's day: cold is an error that says why and keeps nothing, warmed it passes, moved it is an error again."""
    shader, warm = kiln.shader("saxpy"), {"KILN_CACHE_EXPECT": "warm"}

    def cold(reason, *args, env=None):
        for more, variables in ((("--expect-warm",), {}), ((), warm)):
            answer = kiln.json("compile", shader, *args, *more, env={**(env or {}), **variables}, code=EXPECTED_WARM)
            assert answer["error"]["status"] == "KILN_ERR_EXPECTED_WARM", answer
            assert reason in answer["error"]["message"] and "Fix:" in answer["error"]["message"], answer

    cold("empty_cache")
    assert files(kiln) == []
    compile_one(kiln)
    if not real_compiler(kiln): # a stub is never warm, and says so every time
        cold("")
        return
    kernel = kiln.json("compile", shader, env=warm)["kernels"][0]
    assert kernel["outcome"] == "disk" and kernel["cache_hit"] is True
    kiln.json("compile", shader, "--expect-warm")
    cold("dispatch_policy_changed", "--workgroup", "128")
    cold("device_or_runtime_changed", env={"RADV_FORCE_FAMILY": "POLARIS10"})
    assert len(files(kiln)) == 1
    kiln.json("compile", shader, "--workgroup", "128")
    kiln.json("compile", shader, "--workgroup", "128", env=warm)
    # Any other word means nothing and says so.
    done = kiln("compile", kiln.shader("reduce"), env={"KILN_CACHE_EXPECT": "lukewarm"})
    assert "KILN_CACHE_EXPECT" in done.stderr
    kiln.json("cache", "clear")
    cold("empty_cache")


# ---- GLSL


def glsl_is_compiled_once(kiln):
    kiln.needs_glsl()
    kiln.write("half.glsl", "#define HALF 0.5\n")
    source = kiln.write("k.comp", '#version 450\n#include "half.glsl"\nlayout(local_size_x = 64) in;\n'
                                  "layout(binding = 0) buffer B { float b[]; };\nvoid main() { b[0] = HALF; }\n")

    def opens_the_module():
        done = subprocess.run([kiln.tool, "compile", source], env={**kiln.env, "LD_DEBUG": "files"}, capture_output=True,
                              text=True, check=True, cwd=kiln.folder)
        return "libkiln-glsl" in done.stderr

    assert opens_the_module()
    assert not opens_the_module()
    content, = [entry for entry in kiln.json("cache", "ls")["entries"] if entry["kind"] == "content"]
    assert content["compile_ns"] > 0 and kiln.json("cache", "stat")["contents"] == 1
    shown, = kiln.json("cache", "show", content["content_key"][:12])["entries"]
    assert shown["kind"] == "content" and content["content_key"][:12] in kiln("cache", "ls").stdout
    assert kiln.json("cache", "why", source)["miss_reason"] == "none"
    kiln.write("half.glsl", "#define HALF 0.25\n")
    assert opens_the_module()
    assert not opens_the_module()
    kiln.json("cache", "clear")
    assert opens_the_module()
    count = len(files(kiln))
    kiln.json("compile", "--no-cache", "-D", "X=1", source)
    kiln.json("reflect", "-D", "X=2", source)
    assert len(files(kiln)) == count


# ---- Ctrl-C


def interrupted_command_is_130_and_leaves_no_temp_file(kiln):
    """For each: once it was met in the middle, it said so and left what is whole."""
    compile_one(kiln)
    good, = files(kiln)
    whole = good.read_bytes()
    pack = kiln.path("a.pack")
    for args in (("verify",), ("verify", "--remove"), ("gc", "--max-age", "1d"), ("export", pack), ("ls",), ("show", "0000")):
        code = OK
        for _ in range(5): # a loaded machine may not let us be quick enough
            if len(files(kiln)) < 8000:
                fake_entries(kiln, 10000, when=time.time() - 86400 * 100)
            code, out, messages = interrupt(kiln, "cache", *args, "--json")
            if code == INTERRUPTED:
                break
        assert code == INTERRUPTED, (args, code, messages)
        answer = json.loads(out)
        assert answer["ok"] is False and answer["error"]["exit_code"] == INTERRUPTED, answer
        assert "interrupted; " in answer["error"]["message"], answer
        assert not [path for path in kiln.folder.rglob("*") if "tmp" in path.name], args
        assert not pack.exists() and good.read_bytes() == whole
    assert kiln.json("cache", "gc", "--max-age", "1d")["failed"] == 0
    answer = kiln.json("cache", "verify")
    assert (answer["damaged"], answer["good"]) == (0, 1), answer
    kiln.json("cache", "export", pack)
    before = pack.read_bytes()
    fake_entries(kiln, 10000)
    interrupt(kiln, "cache", "export", pack)
    assert pack.read_bytes() == before
    clear = kiln.start("cache", "clear")
    clear.send_signal(signal.SIGINT)
    clear.communicate(timeout=120)
    assert kiln.json("cache", "clear")["failed"] == 0 and files(kiln) == []


def progress_shows_on_a_terminal_only_and_not_when_quiet(kiln):
    """The commands wait for a pipe as their shader; the line is what a user sees meanwhile."""
    running = []
    for name, terminal, args in (("terminal", True, ()), ("quiet", True, ("--quiet",)), ("file", False, ())):
        pipe, ends = kiln.path(name + ".spv"), os.openpty() if terminal else os.pipe()
        os.mkfifo(pipe)
        process = subprocess.Popen([kiln.tool, "compile", pipe, *args], stdout=subprocess.DEVNULL, stderr=ends[1],
                                   env=kiln.env, cwd=kiln.folder)
        os.close(ends[1])
        running.append((name, process, pipe, ends[0]))
    time.sleep(2.5)
    for name, process, pipe, end in running:
        pipe.write_bytes(kiln.shader("saxpy").read_bytes())
        assert process.wait(60) == OK, name
        seen = b""
        try:
            while part := os.read(end, 4096):
                seen += part
        except OSError: # a terminal whose other end is closed
            pass
        os.close(end)
        assert (b"\x1b[K" in seen and b" s" in seen) if name == "terminal" else seen == b"", (name, seen)


def answers_with_hostile_paths_are_valid_json(kiln):
    root = kiln.path('evil"\x1b[31m\nroot')
    env = {"KILN_CACHE_DIR": str(root)}
    kiln.json("compile", kiln.shader("saxpy"), env=env)
    for args in (("ls",), ("stat",), ("verify",), ("gc",), ("path",), ("clear",)):
        assert kiln.json("cache", *args, env=env)["root"] == str(root)
    done = kiln("cache", "stat", env=env)
    assert "\x1b" not in done.stdout


if __name__ == "__main__":
    sys.exit(support.main(globals()))
