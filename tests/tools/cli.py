#!/usr/bin/env python3
"""The kiln command where no device is needed: help, exit statuses, listings, and answers in JSON."""
import json
import re
import resource
import struct
import subprocess
import sys

import support
from support import BAD_KERNEL, BAD_LAUNCH, FAILURE, FILE, NO_DEVICE, USAGE

COMMANDS = ("info", "run", "reflect", "compile", "cache ls", "cache show", "cache path", "cache stat", "cache why",
            "cache verify", "cache gc", "cache clear", "cache export", "cache import", "tune run", "tune explain",
            "tune plot", "tune ls", "tune show", "tune forget", "tune export", "tune import", "env")
NO_DRIVER = {"VK_DRIVER_FILES": "/nonexistent.json", "VK_ICD_FILENAMES": "/nonexistent.json"}

RECORD = """schema = 1

[[record]]
key = "81000100010000000240632400000000"
adapter = "vulkan-some-device"
workgroup_size = [128, 1, 1]
unroll = 4
tile = [16, 16, 1]
recorded_at = "2026-05-02"
"""


def help_explains_every_command(kiln):
    overview = kiln("--help").stdout
    for command in COMMANDS:
        assert f"  {command} " in overview, command
        text = kiln(*command.split(), "--help").stdout
        assert text == kiln(*command.split(), "-h").stdout
        for part in (f"kiln {command}: ", "Usage: kiln " + command, "--json", "Exit status:", "  0  success"):
            assert part in text, (command, part)
        assert all(len(line) <= 120 for line in text.splitlines()), command


def help_and_manual_name_every_exit_status(kiln):
    overview, manual = kiln("--help").stdout, kiln("help", "--man").stdout
    for code in (0, 1, 2, 3, 4, 5, 6, 7, 130):
        assert f"\n  {code:3}  " in overview, code
        assert f"\n\\fB{code}\\fR\n" in manual, code


def manual_is_clean_roff(kiln):
    manual = kiln("help", "--man").stdout
    for command in COMMANDS:
        assert f".SS kiln {command}\n" in manual
    assert "KILN_CACHE_DIR" in manual
    known = (".TH", ".SH", ".SS", ".TP", ".PP", ".nf", ".fi")
    for line in manual.splitlines():
        assert not line.startswith((".", "'")) or line.split()[0] in known, line


def manual_names_every_variable(kiln):
    manual = kiln("help", "--man").stdout
    names = [fact["name"] for fact in kiln.json("env")["variables"]]
    assert len(names) > 10, names
    missing = [name for name in names if not re.search(name + r"(?![A-Z_])", manual)]
    assert not missing, missing


def version_is_one_line(kiln):
    assert kiln("--version").stdout.startswith("kiln 0.")


def nonsense_is_a_usage_error(kiln):
    for args in ((), ("bogus",), ("cache",), ("cache", "bogus"), ("tune",), ("run",), ("run", "--bogus", "x"),
                 ("run", "a", "b"), ("env", "x"), ("info", "x"), ("compile",), ("run", "x", "--threads", "1,2,3,4"),
                 ("run", "x", "--threads", "-1"), ("run", "x", "--repeat", "0"), ("run", "x", "--workgroup", "a"),
                 ("reflect", "x", "--spirv", "1.7"), ("run", "x", "--device"), ("run", "x", "--json=yes")):
        done = subprocess.run([kiln.tool, *args], capture_output=True, text=True, check=False, env=kiln.env)
        assert done.returncode == USAGE, (args, done)
        assert done.stderr and not done.stdout, (args, done)


def unknown_command_of_a_family_is_named(kiln):
    done = kiln("cache", "bogus", code=USAGE)
    assert "'cache bogus' is no command. Fix: " in done.stderr and not done.stdout


def mistakes_answer_in_json_too(kiln):
    answer = kiln.json("run", "--bogus", "x", code=USAGE)
    assert answer["command"] == "run" and "--bogus" in answer["error"]["message"]
    for words in (("bogus",), ("tune", "bogus"), ("tune",)):
        answer = kiln.json(*words, code=USAGE)
        assert answer["command"] is None and "is no command. Fix: " in answer["error"]["message"], answer
    answer = kiln.json("reflect", kiln.path("missing.spv"), code=FILE)
    assert "missing.spv" in answer["error"]["message"]


def full_disk_on_standard_output_is_an_error(kiln):
    with open("/dev/full", "w", encoding="utf-8") as full:
        done = subprocess.run([kiln.tool, "env"], stdout=full, stderr=subprocess.PIPE, text=True, check=False, env=kiln.env)
    assert done.returncode == FILE and "Fix:" in done.stderr, done


def machine_without_driver_says_so_and_shows_the_paths(kiln):
    answer = kiln.json("info", code=NO_DEVICE, env=NO_DRIVER)
    assert answer["error"]["status"] in ("KILN_ERR_NO_DRIVER", "KILN_ERR_NO_LOADER"), answer
    assert answer["devices"] == []
    assert answer["cache"] == {"root": str(kiln.cache), "exists": False, "mode": "rw"}, answer
    assert answer["store"]["path"] == str(kiln.cache / "autotune.toml")
    text = kiln("info", code=NO_DEVICE, env=NO_DRIVER).stdout
    assert "Devices: none" in text and str(kiln.cache) in text
    kiln.json("compile", kiln.shader("saxpy"), code=NO_DEVICE, env=NO_DRIVER)
    kiln.json("run", kiln.shader("saxpy"), "--threads", 1, "--push", "f32:1,u32:1", code=NO_DEVICE, env=NO_DRIVER)
    assert not kiln.cache.exists(), "looking made a folder"


def env_shows_every_variable_and_flags_nonsense(kiln):
    facts = {fact["name"]: fact for fact in kiln.json("env", env={"KILN_CACHE": "sometimes"})["variables"]}
    assert set(facts) >= {"KILN_DEVICE", "KILN_CACHE", "KILN_CACHE_DIR", "KILN_AUTOTUNE", "KILN_LOG", "KILN_VALIDATION"}
    assert facts["KILN_CACHE"]["valid"] is False and facts["KILN_CACHE"]["value"] == "sometimes"
    assert facts["KILN_CACHE_DIR"]["valid"] is True and facts["KILN_DEVICE"]["value"] is None
    assert "KILN_CACHE='sometimes'" in kiln("env", env={"KILN_CACHE": "sometimes"}).stderr


def env_never_shows_a_secret(kiln):
    for secret, valid in (("correct horse battery staple", True), ("staple", False)):
        env = {"KILN_CACHE_SECRET": secret}
        facts = {fact["name"]: fact for fact in kiln.json("env", env=env)["variables"]}
        assert (facts["KILN_CACHE_SECRET"]["value"], facts["KILN_CACHE_SECRET"]["valid"]) == ("(hidden)", valid)
        done = kiln("env", env=env)
        assert "(hidden)" in done.stdout and "staple" not in done.stdout + done.stderr
        assert ("KILN_CACHE_SECRET" in done.stderr) is not valid
    assert "KILN_CACHE_SECRET" in kiln("help", "--man").stdout


def secret_of_the_environment_keeps_the_cache_closed_when_it_is_wrong(kiln):
    kiln.cache.mkdir(mode=0o700)
    secret = kiln.write("secret", "correct horse battery staple")
    secret.chmod(0o600)
    both = {"KILN_CACHE_SECRET": "correct horse battery staple", "KILN_CACHE_SECRET_FILE": str(secret)}
    for env in ({"KILN_CACHE_SECRET": "too short"}, both):
        message = kiln.json("cache", "stat", env={**env, "KILN_LOG": "debug"}, code=FAILURE)["error"]["message"]
        assert "KILN_CACHE_SECRET" in message and "Fix:" in message
        assert "short" not in message and "staple" not in message, message
    for name in both:
        kiln.json("cache", "stat", env={name: both[name]})


def quiet_gives_no_notes(kiln):
    env = {"KILN_CACHE": "sometimes"}
    assert kiln("env", env=env).stderr
    for option in ("--quiet", "-q"):
        assert kiln("env", option, env=env).stderr == ""


def options_given_too_often_are_a_usage_error(kiln):
    shader = kiln.shader("saxpy")
    for command, option, value, most in (("run", "--spec", "0=64", 256), ("compile", "--spec", "0=64", 256),
                                         ("cache why", "--spec", "0=64", 256), ("run", "--in", "zeros", 32),
                                         ("run", "--out", "0=x", 32), ("reflect", "-I", ".", 64),
                                         ("reflect", "-D", "X", 256)):
        answer = kiln.json(*command.split(), shader, *([option, value] * (most + 1)), code=USAGE)
        assert option in answer["error"]["message"], answer
    # As many as there may be: what is wrong then is something else, or nothing.
    kiln("reflect", shader, *["-I", "."] * 64, *["-D", "X"] * 256)
    for command in ("run", "compile", "cache why"):
        done = subprocess.run([kiln.tool, *command.split(), shader, *["--spec", "0=64"] * 256], capture_output=True,
                              text=True, check=False, env={**kiln.env, **NO_DRIVER})
        assert "more than" not in done.stderr, done


def values_out_of_their_range_are_sentences(kiln):
    shader = kiln.shader("saxpy")
    for args, code in ((("--spec", "=1"), USAGE), (("--spec", "0"), USAGE), (("--spec", "0=4294967296"), BAD_LAUNCH),
                       (("--spec", "0=-1"), BAD_LAUNCH), (("--spec", "0=f32:1"), BAD_LAUNCH), (("--spec", "0="), BAD_LAUNCH),
                       (("--spec", "nosuch=1"), BAD_LAUNCH), (("--push", "@missing"), FILE), (("--push", "f32:x"), USAGE),
                       (("--repeat", "10000001"), USAGE), (("--threads", "4294967296"), USAGE),
                       (("--workgroup", "1,2,3,4"), USAGE)):
        kiln.json("run", shader, "--threads", "1", *args, code=code)
    big = kiln.write("push.bin", bytes(65537))
    kiln.json("run", shader, "--threads", "1", "--push", f"@{big}", code=FILE)


def cache_path_is_the_root_alone(kiln):
    assert kiln("cache", "path").stdout == f"{kiln.cache}\n"
    assert kiln.json("cache", "path")["root"] == str(kiln.cache)
    home = {"KILN_CACHE_DIR": "", "XDG_CACHE_HOME": "", "HOME": "/somewhere"}
    assert kiln("cache", "path", env=home).stdout == "/somewhere/.cache/kiln/pipelines\n"


def empty_cache_and_store_list_nothing_and_create_nothing(kiln):
    assert kiln.json("cache", "ls")["entries"] == []
    assert kiln.json("tune", "ls")["records"] == []
    assert not kiln.cache.exists()


def damaged_entry_is_listed_and_left_alone(kiln):
    entry = kiln.cache / "v1/ab" / ("ab" + "0" * 30 + "." + "0" * 32 + "." + "0" * 32 + ".bin")
    entry.parent.mkdir(parents=True, mode=0o700)
    for folder in (kiln.cache, kiln.cache / "v1", entry.parent):
        folder.chmod(0o700)
    entry.write_bytes(b"rubbish")
    answer = kiln.json("cache", "ls")
    assert [one["status"] != "KILN_OK" for one in answer["entries"]] == [True], answer
    assert answer["unreadable"] == 1 and entry.exists()


def records_are_listed(kiln):
    store = kiln.write("store.toml", RECORD)
    answer = kiln.json("tune", "ls", store)
    assert answer["records"] == [{
        "key": "81000100010000000240632400000000", "adapter": "vulkan-some-device", "workgroup_size": [128, 1, 1],
        "unroll": 4, "tile": [16, 16, 1], "recorded_at": "2026-05-02", "driver": None, "bucket": 0, "rounds": 0,
        "ratio_default": None, "status": None, "bad": []}], answer
    assert "128x1x1" in kiln("tune", "ls", store).stdout
    assert len(kiln.json("tune", "ls", env={"KILN_AUTOTUNE_STORE": str(store)})["records"]) == 1


def broken_store_is_a_sentence_with_the_line(kiln):
    store = kiln.write("store.toml", RECORD + "what is this\n")
    answer = kiln.json("tune", "ls", store, code=FILE)
    assert answer["error"]["status"] == "KILN_ERR_TOML_SYNTAX" and "line 10" in answer["error"]["message"], answer
    assert store.read_text(encoding="utf-8").endswith("what is this\n")


def reflection_is_complete_in_json(kiln):
    answer = kiln.json("reflect", kiln.shader("saxpy"))
    entry = answer["entry_points"][0]
    assert entry["name"] == "main" and entry["push_bytes"] == 8 and entry["push_offset"] == 0
    assert [dim["size"] for dim in entry["workgroup"]] == [64, 1, 1] and entry["workgroup"][0]["spec_id"] == 0
    assert entry["workgroup"][1]["spec_id"] is None
    x, y = entry["bindings"]
    assert (x["set"], x["binding"], x["type"], x["access"], x["runtime_stride"]) == (0, 0, "storage_buffer", "read", 4)
    assert (y["binding"], y["access"], y["count"]) == (1, "read write", 1)
    assert entry["features"] == "push_constants" and entry["feature_bits"] == 32
    assert answer["constants"][0]["id"] == 0 and answer["constants"][0]["default"] == "64"
    assert {"value": 1, "name": "Shader"} in answer["capabilities"]
    assert len(answer["program_digest"]) == 64
    text = kiln("reflect", kiln.shader("saxpy")).stdout
    assert answer["program_digest"] in text and "storage_buffer" in text


def reflection_tells_what_images_declare(kiln):
    source, target = kiln.json("reflect", kiln.shader("images"))["entry_points"][0]["bindings"]
    facts = {"dimensions": 2, "component": "f32", "arrayed": False, "multisampled": False}
    assert source["type"] == "combined_image_sampler" and source["image"] == {**facts, "format": None}
    assert target["type"] == "storage_image" and target["image"] == {**facts, "format": "rgba8"}
    text = kiln("reflect", kiln.shader("images")).stdout
    assert "storage_image 2D rgba8" in text and "combined_image_sampler 2D f32" in text
    assert "image" not in kiln.json("reflect", kiln.shader("saxpy"))["entry_points"][0]["bindings"][0]


def every_shader_of_the_tree_reflects(kiln):
    shaders = sorted(kiln.shaders.glob("*.spv"))
    assert len(shaders) > 10
    for shader in shaders:
        assert kiln.json("reflect", shader)["entry_points"], shader


def bad_spirv_is_a_sentence_for_each_kind(kiln):
    good = kiln.shader("saxpy").read_bytes()
    words = struct.unpack(f"<{len(good) // 4}I", good)
    cases = {
        "KILN_ERR_SPIRV_BYTE_SWAPPED": struct.pack(f">{len(words)}I", *words),
        "KILN_ERR_SPIRV_MAGIC": b"\0" * 64,
        "KILN_ERR_SPIRV_TRUNCATED": good[:16],
        "KILN_ERR_SPIRV_LENGTH": good[:20] + struct.pack("<I", 17) + good[24:],
    }
    for status, data in cases.items():
        answer = kiln.json("reflect", kiln.write("bad.spv", data), code=BAD_KERNEL)
        assert answer["error"]["status"] == status, (status, answer)


def spirv_cut_anywhere_is_refused(kiln):
    good = kiln.shader("saxpy").read_bytes()
    for at in list(range(0, 120, 4)) + list(range(121, len(good), 97)):
        kiln.json("reflect", kiln.write("cut.spv", good[:at]), code=BAD_KERNEL)


def unreadable_kernel_files_are_sentences(kiln):
    kiln.json("reflect", kiln.folder, code=FILE)
    kiln.json("reflect", kiln.write("empty.spv", b""), code=BAD_KERNEL)
    huge = kiln.path("huge.spv")
    with open(huge, "wb") as file:
        file.truncate(300 << 20)
    kiln.json("reflect", huge, code=FILE)


def names_from_files_cannot_reach_the_terminal_or_break_json(kiln):
    good = kiln.shader("saxpy").read_bytes()
    hostile = good.replace(b"X\0\0\0", b"\x1b\xff\0\0")
    assert hostile != good
    path = kiln.write("hostile.spv", hostile)
    done = subprocess.run([kiln.tool, "reflect", path], capture_output=True, check=True, env=kiln.env)
    assert b"\x1b" not in done.stdout
    done = subprocess.run([kiln.tool, "reflect", path, "--json"], capture_output=True, check=True, env=kiln.env)
    name = json.loads(done.stdout.decode("utf-8"))["entry_points"][0]["bindings"][0]["name"]
    assert name == "\x1b\ufffd", repr(name)


def missing_entry_point_is_a_sentence(kiln):
    answer = kiln.json("reflect", kiln.shader("saxpy"), "--entry", "nothing", code=BAD_KERNEL)
    assert "nothing" in answer["error"]["message"] and "'main'" in answer["error"]["message"]


def glsl_is_compiled_on_the_way(kiln):
    kiln.needs_glsl()
    source = kiln.source / "shaders/saxpy.comp"
    assert kiln.json("reflect", source)["program_digest"] == kiln.json("reflect", kiln.shader("saxpy"))["program_digest"]


def glsl_takes_defines_and_include_paths(kiln):
    kiln.needs_glsl()
    (kiln.folder / "inc").mkdir()
    kiln.write("inc/width.glsl", "layout(local_size_x = WIDTH) in;\n")
    source = kiln.write("d.comp", '#version 450\n#include "width.glsl"\nvoid main() {}\n')
    answer = kiln.json("reflect", source, "-I", "inc", "-D", "WIDTH=32")
    assert answer["entry_points"][0]["workgroup"][0]["size"] == 32
    kiln.json("reflect", source, "-D", "WIDTH=32", code=BAD_KERNEL)
    assert kiln.json("reflect", source, "-Iinc", "-DWIDTH=8", "--spirv", "1.5")["spirv_version"] == 0x10500


def glsl_mistake_names_file_and_line(kiln):
    kiln.needs_glsl()
    source = kiln.write("wrong.comp", "#version 450\nvoid main() {\n  oops;\n}\n")
    answer = kiln.json("reflect", source, code=BAD_KERNEL)
    assert "wrong.comp:3" in answer["error"]["message"], answer
    kiln.json("reflect", kiln.write("nul.comp", b"#version 450\n\0"), code=BAD_KERNEL)


def undefinable_macro_is_a_usage_error(kiln):
    source = kiln.write("d.comp", "#version 450\nvoid main() {}\n")
    for define in ("1X=2", "=1", "", "a b", "X=1\n2", "X=\\"):
        message = kiln.json("reflect", source, "-D", define, code=USAGE)["error"]["message"]
        assert "Fix:" in message, message


def kernel_that_cannot_be_evaluated_is_refused(kiln):
    path = kiln.spirv("length", """#version 450
layout(constant_id = 0) const uint N = 4;
layout(local_size_x = 1) in;
layout(binding = 0) buffer A { uint a[]; };
shared uint s[N + 77];
void main() { s[0] = a[0]; a[1] = s[N]; }
""")
    words = list(struct.unpack(f"<{path.stat().st_size // 4}I", path.read_bytes()))
    at, = [i for i, word in enumerate(words) if word == (6 << 16 | 52) and words[i + 3] == 128]
    words[at + 3] = 129  # OpFAdd
    path.write_bytes(struct.pack(f"<{len(words)}I", *words))
    answer = kiln.json("reflect", path, code=BAD_KERNEL)
    assert answer["error"]["status"] == "KILN_ERR_UNSUPPORTED", answer


def shortened_json_is_json(kiln):
    assert json.loads(kiln("env", "--js").stdout)["ok"] is True
    done = kiln("env", "--jso", "--bogus", code=USAGE)
    assert json.loads(done.stdout)["error"]["exit_code"] == USAGE


def only_what_compiles_can_expect_a_warm_cache(kiln):
    kiln.json("cache", "why", kiln.shader("saxpy"), "--expect-warm", code=USAGE)
    assert "--expect-warm " not in kiln("cache", "why", "--help").stdout.split("Exit status:")[0]
    for command in ("run", "compile"):
        assert "--expect-warm" in kiln(command, "--help").stdout.split("Exit status:")[0]


def sentences_and_keys_cannot_reach_the_terminal(kiln):
    good = kiln.shader("saxpy").read_bytes()
    hostile = good.replace(b"main\0\0\0\0", b"\x1b[1m\0\0\0\0", 1)
    assert hostile != good
    done = kiln("reflect", kiln.write("evil.spv", hostile), "-e", "nope", code=BAD_KERNEL)
    assert "\x1b" not in done.stderr and "?[1m" in done.stderr, done.stderr
    env = {"KILN_AUTOTUNE_STORE": str(kiln.write("store.toml", RECORD.replace("vulkan-", "vulkan-\\u001b[1m")))}
    done = kiln("tune", "forget", "8100", "--dry-run", env=env)
    assert "\x1b" not in done.stdout and "vulkan-?[1msome-device" in done.stdout, done.stdout


def many_variables_of_one_long_name_take_no_longer(kiln):
    """Variables without a name are called as their block: only as much of it is looked at as is kept."""
    def seconds(length):
        path, variables = kiln.path("names.spv"), 40000
        name = b"b" * length
        name += b"\0" * (4 - length % 4)
        words = [0x07230203, 0x10300, 0, variables + 10, 0, 2 << 16 | 17, 1, 3 << 16 | 14, 0, 1,
                 5 << 16 | 15, 5, 1, 0x6e69616d, 0, 6 << 16 | 16, 1, 17, 1, 1, 1,
                 (2 + len(name) // 4) << 16 | 5, 6, *struct.unpack(f"<{len(name) // 4}I", name),
                 3 << 16 | 71, 6, 2, 5 << 16 | 72, 6, 0, 35, 0]
        for i in range(variables):
            words += [4 << 16 | 71, 10 + i, 34, 0, 4 << 16 | 71, 10 + i, 33, i]
        words += [2 << 16 | 19, 2, 3 << 16 | 33, 3, 2, 4 << 16 | 21, 4, 32, 0, 3 << 16 | 30, 6, 4, 4 << 16 | 32, 7, 12, 6]
        for i in range(variables):
            words += [4 << 16 | 59, 7, 10 + i, 12]
        words += [5 << 16 | 54, 2, 1, 0, 3, 2 << 16 | 248, 8, 1 << 16 | 253, 1 << 16 | 56]
        path.write_bytes(struct.pack(f"<{len(words)}I", *words))
        start = resource.getrusage(resource.RUSAGE_CHILDREN).ru_utime
        kiln("reflect", path)
        return resource.getrusage(resource.RUSAGE_CHILDREN).ru_utime - start

    # Of the processor, not of the clock: other load does not count.
    short = min(seconds(200) for _ in range(3))
    assert min(seconds(250000) for _ in range(3)) < 2 * short


BF16 = """#version 450
#extension GL_EXT_shader_explicit_arithmetic_types_float16 : require
layout(local_size_x = 1) in;
layout(constant_id = 3) const float16_t SCALE = float16_t(1.875);
layout(binding = 0) buffer A { float a[]; };
void main() { a[0] *= float(SCALE); }
"""


def bfloat_constants_are_shown_and_set(kiln):
    path = kiln.spirv("bf16", BF16)
    words = list(struct.unpack(f"<{path.stat().st_size // 4}I", path.read_bytes()))
    at, = [i for i, word in enumerate(words) if word == (3 << 16 | 22) and words[i + 2] == 16]
    words[at:at + 3] = [4 << 16 | 22, words[at + 1], 16, 0]  # BFloat16KHR
    at, = [i for i, word in enumerate(words) if word == 0x3f80]  # 1.875 as a half, 1 as a bfloat
    path.write_bytes(struct.pack(f"<{len(words)}I", *words))
    constant, = kiln.json("reflect", path)["constants"]
    assert (constant["type"], constant["default"]) == ("bf16", "1"), constant
    for value, code in (("0.1", NO_DEVICE), ("bf16:-3", NO_DEVICE), ("inf", NO_DEVICE), ("3.4e38", BAD_LAUNCH),
                        ("x", BAD_LAUNCH), ("nonsense:1", BAD_LAUNCH), ("f16:1", BAD_LAUNCH)):
        kiln.json("run", path, "--threads", 1, "--in", "zeros:f32:1", "--spec", f"3={value}", code=code, env=NO_DRIVER)


if __name__ == "__main__":
    sys.exit(support.main(globals()))
