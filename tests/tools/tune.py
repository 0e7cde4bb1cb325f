#!/usr/bin/env python3
"""kiln tune on one driver: measuring, the store, reports and pictures."""
import json
import os
import pathlib
import signal
import struct
import sys
import time
import xml.etree.ElementTree

import support
from support import BAD_KERNEL, BAD_LAUNCH, FILE, INTERRUPTED, NO_DEVICE, OK, USAGE

SVG = "{http://www.w3.org/2000/svg}"
RECORD = """schema = 1

[[record]]
key = "81000100010000000240632400000000"
adapter = "vulkan-some-device"
workgroup_size = [128, 1, 1]
unroll = 4
tile = [16, 16, 1]
recorded_at = "2026-05-02"

[[record]]
key = "82000100010000000240632400000000"
adapter = "vulkan-other-device"
workgroup_size = [32, 1, 1]
unroll = 1
tile = [0, 0, 0]
driver = "other 1.0"
bucket = 17
rounds = 40
ratio_default = 0.5
status = "tuned"
"""
SUMS = ("--threads", 4096, "--push", "u32:64,256", "--tolerance", "1e-5", "--guarded", "--budget", "400")


def store_of(of):
    return of.cache / "autotune.toml"


def fill_store(kiln, text=RECORD):
    kiln.cache.mkdir(mode=0o700, exist_ok=True)
    store_of(kiln).write_text(text, encoding="utf-8")


def tune(kiln, *args, shader="row_sums", code=OK, env=None):
    kiln.needs_launch()
    return kiln.json("tune", "run", kiln.shader(shader), *(args or SUMS), code=code, env=env)


def row(config, verdict, ratio, samples=(), **more):
    """One candidate as a report has it; config is (workgroup, unroll, tile)."""
    workgroup, unroll, tile = config
    return {"config": "", "workgroup_size": workgroup, "unroll": unroll, "tile": tile, "constants": [],
            "verdict": verdict, "ns": 1000.0 * ratio, "ratio": ratio, "ratio_low": 0.9 * ratio, "ratio_high": 1.1 * ratio,
            "rounds_won": 0, "rounds_paired": 0, "samples": list(samples), **more}


def report_file(kiln, candidates, winner=0, **more):
    report = {"format": "kiln-tune-report", "schema": 1, "kernel": "some <kernel> & \"more\".spv", "entry": "main",
              "device": "A Device", "adapter": "vulkan-a-device", "driver": "driver 1.0", "date": "2026-11-20",
              "threads": [4096, 1, 1], "method": "race", "seed": 1, "winner": winner, "tried": len(candidates),
              "spent_ns": 1000000, "measured_ns": 1000, "rounds": 12, "final_rounds": 10, "control_drift": 0.01,
              "control_spread": 0, "provisional": False, "reason": "because of this", "candidates": candidates, **more}
    return kiln.write("report.json", json.dumps(report))


def heat(of):
    """Two tunables, and every kind of verdict."""
    verdicts = ["slower", "tie", "unsure", "cut early", "below the clock's floor", "failed", "wrong output", "hung",
                "not tried"]
    candidates = [row(([64, 1, 1], 1, [0, 0, 0]), "default", 1.0, [[1, False, 1000, 1.0], [2, True, 990, 0.99]]),
                  row(([128, 1, 1], 2, [0, 0, 0]), "won", 0.4, [[2, True, 400, 0.4]])]
    for i, verdict in enumerate(verdicts):
        timed = verdict in ("slower", "tie", "unsure", "cut early")
        size = [[64, 2], [128, 1], [32, 1], [32, 2], [16, 1], [16, 2], [256, 1], [256, 2], [8, 1]][i]
        candidates.append(row(([size[0], 1, 1], size[1], [0, 0, 0]), verdict, 1.5 + i if timed else 0))
    return report_file(of, candidates, 1)


def texts(path):
    root = xml.etree.ElementTree.parse(path).getroot()
    assert root.tag == SVG + "svg" and float(root.get("width")) > 0 and float(root.get("height")) > 0
    return ["".join(node.itertext()) for node in root.iter(SVG + "text")]


# ---- run


def run_records_what_launches_then_use(kiln):
    answer = tune(kiln, *SUMS, "--method", "exhaustive", "--budget", "20s")
    assert answer["tuned"] and answer["recorded"] == str(store_of(kiln)) and store_of(kiln).exists()
    assert answer["method"] == "exhaustive" and len(answer["candidates"]) > 30, answer
    assert answer["kernel"] == "row_sums.spv" and answer["threads"] == [4096, 1, 1] and answer["reason"]
    winner = answer["candidates"][answer["winner"]]
    assert winner["verdict"] == "won" and (answer["winner"] == 0 or winner["ratio"] < 0.97), winner
    record, = kiln.json("tune", "ls")["records"]
    assert (record["workgroup_size"], record["unroll"]) == (winner["workgroup_size"], winner["unroll"])
    assert record["status"] in ("tuned", "default", "provisional") and record["bucket"] == 13, record
    launched = kiln.json("run", kiln.shader("row_sums"), *SUMS[:4], "--guarded")
    assert launched["workgroup"] == record["workgroup_size"] and launched["workgroup_source"] == "store", launched


def run_explains_itself_to_people_and_is_quiet_when_asked(kiln):
    kiln.needs_launch()
    done = kiln("tune", "run", kiln.shader("row_sums"), *SUMS)
    for word in ("default ", "best ", "because ", "searched ", "recorded ", str(store_of(kiln))):
        assert f"  {word}" in done.stdout or word in done.stdout, done.stdout
    assert "\r" not in done.stderr, "a progress line without a terminal"
    done = kiln("tune", "run", kiln.shader("row_sums"), *SUMS, "--quiet")
    assert done.stdout == "" and done.stderr == ""


def run_without_record_leaves_nothing(kiln):
    answer = tune(kiln, *SUMS, "--no-record")
    assert answer["tuned"] and answer["recorded"] is None
    assert kiln.json("tune", "ls")["records"] == []
    answer = tune(kiln, *SUMS, env={"KILN_AUTOTUNE": "off"})
    assert answer["recorded"] is None and not store_of(kiln).exists()


def run_only_missing_leaves_what_is_there(kiln):
    for _ in range(5):
        tune(kiln, *SUMS, "--budget", "3s")
        record, = kiln.json("tune", "ls")["records"]
        if record["status"] != "provisional":
            break
    else:
        raise support.Skip("the machine is too busy for a settled result")
    before = store_of(kiln).read_bytes()
    answer = tune(kiln, *SUMS, "--only-missing")
    assert answer["tuned"] is False and store_of(kiln).read_bytes() == before
    assert "nothing to do" in kiln("tune", "run", kiln.shader("row_sums"), *SUMS, "--only-missing").stdout


def interrupt_leaves_nothing(kiln):
    kiln.needs_launch()
    process = kiln.start("tune", "run", kiln.shader("row_sums"), *SUMS, "--method", "exhaustive", "--budget", "60s")
    time.sleep(0.1)
    deadline = time.monotonic() + 60
    while process.poll() is None and time.monotonic() < deadline:
        status = pathlib.Path(f"/proc/{process.pid}/status").read_text(encoding="utf-8")
        caught = [line for line in status.splitlines() if line.startswith("SigCgt:")]
        if caught and int(caught[0].split()[1], 16) & (1 << (signal.SIGINT - 1)):
            process.send_signal(signal.SIGINT)
            break
        time.sleep(0.01)
    out, messages = process.communicate(timeout=120)
    assert process.returncode == INTERRUPTED and "nothing was recorded" in messages and out == "", (out, messages)
    assert kiln.json("tune", "ls")["records"] == []


def run_keeps_to_its_limits(kiln):
    answer = tune(kiln, *SUMS, "--configs", "3", "--budget", "5s")
    assert answer["tried"] <= 3, answer["tried"]
    answer = tune(kiln, "--threads", "65536", "--push", "f32:2,u32:65536", "--guarded", "--method", "random", "--cold",
                  "--in", "iota:f32:65536", "--in", "const:f32:1:65536", shader="saxpy")
    assert answer["method"] == "random" and answer["candidates"][0]["verdict"] != "not tried"
    # A constant the caller sets is not tuned.
    answer = tune(kiln, *SUMS, "--spec", "1=4")
    assert {candidate["unroll"] for candidate in answer["candidates"]} == {1}, answer
    assert all(constant["id"] != 1 for candidate in answer["candidates"] for constant in candidate["constants"])


def literal_size_is_tuned_only_where_it_cannot_matter(kiln):
    kiln.needs_launch()
    source = """#version 450
layout(local_size_x = 64) in;
layout(set = 0, binding = 0) buffer A { float a[]; };
void main() { a[gl_GlobalInvocationID.x] *= 2.0; }
"""
    shader = kiln.spirv("literal", source)
    args = ("--threads", 4096, "--budget", 300)
    kiln.json("tune", "run", shader, *args, code=BAD_KERNEL)
    answer = kiln.json("tune", "run", shader, *args, "--resizable")
    assert len(answer["candidates"]) > 3
    shader = kiln.spirv("fixed", source.replace("*= 2.0", "*= float(gl_LocalInvocationID.x)"))
    answer = kiln.json("tune", "run", shader, *args, "--resizable", code=BAD_KERNEL)
    assert "Fix:" in answer["error"]["message"]


def run_refuses_what_makes_no_sense(kiln):
    shader = kiln.shader("row_sums")
    for args in (("--budget", "0"), ("--budget", "-1"), ("--budget", "2h"), ("--budget", "1.5s"), ("--budget", ""),
                 ("--budget", "99999999999999999999"), ("--configs", "0"), ("--configs", "x"), ("--method", "luck"),
                 ("--tolerance", "-1"), ("--tolerance", "nan"), ("--tolerance", "1,-1"), ("--tolerance", "1,2,3"),
                 ("--tolerance", "inf"), ("--workgroup", "64"), ("--repeat", "3"), ("--bogus",)):
        kiln.json("tune", "run", shader, *SUMS[:4], *args, code=USAGE)
    kiln.json("tune", "run", code=USAGE)
    kiln.json("tune", "run", shader, "--push", "u32:64,256", code=BAD_LAUNCH)
    kiln.json("tune", "run", kiln.path("missing.spv"), code=FILE)
    kiln.json("tune", "run", kiln.write("bad.spv", "rubbish"), code=BAD_KERNEL)
    if kiln.driver == "radv_null":
        kiln.json("tune", "run", shader, *SUMS, code=NO_DEVICE)
    else:
        kiln.json("tune", "run", shader, *SUMS[:2], "--push", "u32:64", code=BAD_LAUNCH)
        kiln.json("tune", "run", shader, *SUMS, "--report", kiln.path("no/such/x.json"), code=FILE)


# ---- explain


def saved_report_says_what_the_run_said(kiln):
    path = kiln.path("sums.json")
    ran = tune(kiln, *SUMS, "--report", path)
    told = kiln.json("tune", "explain", "--from", path)
    for name in ("kernel", "device", "threads", "winner", "tried", "candidates", "reason", "method", "rounds"):
        assert told[name] == ran[name], name
    fresh = kiln.json("tune", "explain", kiln.shader("row_sums"), *SUMS)
    assert len(fresh["candidates"]) == len(ran["candidates"])
    assert len(kiln.json("tune", "ls")["records"]) == 1


def explain_shows_every_configuration_and_every_sample(kiln):
    out = kiln("tune", "explain", "--from", heat(kiln)).stdout
    table = out.split("Samples")[0]
    for verdict in ("default", "won", "slower", "tie", "unsure", "cut early", "below the clock's floor", "failed",
                    "wrong output", "hung"):
        assert f"  {verdict}  " in table, (verdict, out)
    assert "because of this" in out and "128 unroll 2, 400 ns: 2.50 times as fast" in out, out
    assert "1: 1.000  2*: 0.990" in out and "2*: 0.400" in out, out
    assert "Not tried (1):" in out and out.rstrip().endswith(" 8"), out


def what_is_no_report_is_a_sentence(kiln):
    good = heat(kiln).read_text(encoding="utf-8")
    for old, new in ((good, ""), (good, "[]"), (good, "null"), (good, good[:-1]), ('"schema": 1', '"schema": 2'),
                     ("kiln-tune-report", "other"), ('"winner": 1', '"winner": 11'), ('"winner": 1', '"winner": -1'),
                     ('"verdict": "hung"', '"verdict": "fine"'), ('"tile": [0, 0, 0]', '"tile": [0, 0]'),
                     ('"ratio": 0.4', '"ratio": "fast"'), ('"samples": []', '"samples": [[1]]'),
                     ('"candidates": [', '"candidates": [5, '), ('"kernel"', '"kern"'), ('"rounds": 12', '"rounds": 1e30')):
        bad = kiln.write("bad.json", good.replace(old, new, 1))
        assert bad.read_text(encoding="utf-8") != good, old
        for command in ("explain", "plot"):
            kiln.json("tune", command, "--from", bad, code=FILE)
    kiln.json("tune", "explain", "--from", kiln.path("missing.json"), code=FILE)
    kiln.json("tune", "explain", code=USAGE)
    kiln.json("tune", "explain", "--from", heat(kiln), kiln.shader("saxpy"), code=USAGE)


# ---- plot


def plot_of_two_tunables_is_a_heat_map(kiln):
    svg = kiln.path("heat.svg")
    answer = kiln.json("tune", "plot", "--from", heat(kiln), "--output", svg)
    assert (answer["kind"], answer["columns"], answer["rows"]) == ("heat map", 6, 2), answer
    words = texts(svg)
    assert "some <kernel> & \"more\".spv: 2.50\u00d7 as fast with 128 unroll 2" in words, words
    for word in ("workgroup size", "unroll", "0.40", "1.00", "wrong", "hung", "failed", "too short", "chosen", "default",
                 "not tried", "unusable", "time relative to the default", "Because of this."):
        assert word in words, (word, words)
    assert any("A Device" in word and "2026-11-20" in word for word in words)
    assert words.count("8") == 1 and words.index("8") < words.index("16") < words.index("256")


def plot_of_one_tunable_is_bars(kiln):
    candidates = [row(([size, 1, 1], 1, [0, 0, 0]), verdict, ratio) for size, verdict, ratio in
                  ((64, "default", 1.0), (32, "won", 0.5), (128, "slower", 2.25), (256, "hung", 0), (8, "not tried", 0))]
    svg = kiln.path("bars.svg")
    answer = kiln.json("tune", "plot", "--from", report_file(kiln, candidates, 1), "-o", svg)
    assert (answer["kind"], answer["columns"], answer["hidden"]) == ("bars", 5, 0), answer
    words = texts(svg)
    assert [word for word in words if word in ("8", "32", "64", "128", "256")] == ["8", "32", "64", "128", "256"], words
    assert "0.50  (500 ns)" in words and "2.25  (2.3 \u00b5s)" in words or "2.25  (2.2 \u00b5s)" in words, words


def plot_of_a_huge_space_shows_what_was_tried(kiln):
    candidates = [row(([2 ** x, 2 ** y, 1], 2 ** u, [2 ** t, 2 ** t, 1]), "not tried", 0)
                  for x in range(8) for y in range(4) for u in range(4) for t in range(4)]
    candidates[0].update(row(([1, 1, 1], 1, [1, 1, 1]), "default", 1.0))
    candidates[77].update({"verdict": "won", "ratio": 0.5, "ns": 500.0})
    answer = kiln.json("tune", "plot", "--from", report_file(kiln, candidates, 77), "-o", kiln.path("some.svg"))
    assert answer["columns"] <= 2 and answer["rows"] <= 2 and answer["hidden"] == 512 - answer["columns"] * answer["rows"]
    for i, candidate in enumerate(candidates[1:], 1):
        candidate.update({"verdict": "slower", "ratio": 1.5 + i, "ns": 1500.0})
    candidates[77].update({"verdict": "won", "ratio": 0.5})
    answer = kiln.json("tune", "plot", "--from", report_file(kiln, candidates, 77), "-o", kiln.path("bars.svg"))
    assert answer["kind"] == "bars" and answer["columns"] == 24 and answer["hidden"] == 512 - 24, answer
    assert any("not shown" in word for word in texts(kiln.path("bars.svg")))


def plot_of_names_that_are_no_text_is_xml(kiln):
    report = heat(kiln)
    good = report.read_bytes()
    for name, shown in ((b"a\xffb\xe2\x82", "a\ufffdb\ufffd\ufffd "), ("\u00e9".encode() * 400, "\u00e9" * 319)):
        report.write_bytes(good.replace(b"some <kernel>", name, 1))
        kiln.json("tune", "plot", "--from", report, "-o", kiln.path("x.svg"))
        title, = [text for text in texts(kiln.path("x.svg")) if text.startswith(shown[:2])]
        assert title.startswith(shown) and title.count("\ufffd") == shown.count("\ufffd"), title


def plot_of_very_many_sizes_takes_no_longer(kiln):
    def seconds(sizes):
        candidates = [row(([i % sizes + 1, 1, 1], 1, [0, 0, 0]), "slower" if i else "default", 1.5) for i in range(65536)]
        report = report_file(kiln, candidates)
        start = time.monotonic()
        kiln.json("tune", "plot", "--from", report, "-o", kiln.path("x.svg"))
        return time.monotonic() - start

    assert seconds(65536) < 3 * seconds(16) + 1


def plot_measures_when_it_is_given_a_kernel(kiln):
    kiln.needs_launch()
    kiln.json("tune", "plot", kiln.shader("row_sums"), *SUMS)
    assert any("row_sums.spv" in word for word in texts(kiln.path("tune.svg")))
    assert kiln.json("tune", "ls")["records"] == []
    kiln.json("tune", "plot", "--from", heat(kiln), "-o", kiln.path("no/such/x.svg"), code=FILE)


def saved_report_takes_no_option_that_measures(kiln):
    report = heat(kiln)
    for args in (("--budget", "1s"), ("--threads", "64"), ("--device", "cpu"), ("--spec", "0=64"), ("--cold",), ("--no-cache",),
                 ("--report", "x.json"), ("--in", "zeros")):
        for command in ("explain", "plot"):
            message = kiln.json("tune", command, "--from", report, *args, code=USAGE)["error"]["message"]
            assert "--from" in message, message
    assert not kiln.path("tune.svg").exists() and not kiln.path("x.json").exists()
    kiln.json("tune", "explain", "--from", report, "--quiet", "--verbose")


def results_replace_what_a_link_points_to_and_keep_its_mode(kiln):
    report, link, folder = heat(kiln), kiln.path("link.svg"), kiln.path("elsewhere")
    folder.mkdir()
    target = folder / "target.svg"
    target.write_text("old", encoding="utf-8")
    target.chmod(0o600)
    link.symlink_to("elsewhere/target.svg")
    kiln.json("tune", "plot", "--from", report, "-o", link)
    assert link.is_symlink() and not target.is_symlink() and texts(target)
    assert target.stat().st_mode & 0o777 == 0o600
    dangling = kiln.path("dangling.svg")
    dangling.symlink_to("elsewhere/new.svg")
    kiln.json("tune", "plot", "--from", report, "-o", dangling)
    assert dangling.is_symlink() and texts(folder / "new.svg")
    assert sorted(path.name for path in folder.iterdir()) == ["new.svg", "target.svg"]


# ---- The store: ls, show, forget, export, import


def show_finds_records_by_key_and_by_kernel(kiln):
    fill_store(kiln)
    record, = kiln.json("tune", "show", "8200")["records"]
    assert record == {"key": "82000100010000000240632400000000", "adapter": "vulkan-other-device",
                      "workgroup_size": [32, 1, 1], "unroll": 1, "tile": [0, 0, 0], "recorded_at": None,
                      "driver": "other 1.0", "bucket": 17, "rounds": 40, "ratio_default": 0.5, "status": "tuned",
                      "bad": []}, record
    out = kiln("tune", "show", "8200").stdout
    assert "65536 to 131071 threads" in out and "2.00 times as fast" in out and "other 1.0" in out, out
    assert len(kiln.json("tune", "show", "8100", "--adapter", "some")["records"]) == 1
    for args, code in ((("8100", "--adapter", "other"), FILE), (("9999",), FILE), (("81",), USAGE), (("8ABC",), USAGE),
                       ((), USAGE), (("missing.spv",), FILE), ((kiln.shader("saxpy"),), FILE)):
        kiln.json("tune", "show", *args, code=code)


def records_of_a_kernel_are_found_whatever_their_size(kiln):
    kiln.needs_launch()
    tune(kiln, *SUMS)
    tune(kiln, "--threads", 1024, *SUMS[2:])
    tune(kiln, "--threads", 4096, "--push", "f32:2,u32:4096", "--guarded", "--budget", "200", shader="saxpy")
    assert len(kiln.json("tune", "ls")["records"]) == 3
    assert len(kiln.json("tune", "show", kiln.shader("row_sums"))["records"]) == 2
    assert kiln.json("tune", "forget", kiln.shader("row_sums"), "--dry-run")["forgotten"] == 0
    assert kiln.json("tune", "forget", kiln.shader("row_sums"))["forgotten"] == 2
    record, = kiln.json("tune", "ls")["records"]
    assert kiln.json("tune", "show", kiln.shader("saxpy"))["records"] == [record]


def with_other_main(spirv):
    """The kernel under the name prim, and an empty kernel without buffers as main."""
    words = list(struct.unpack(f"<{len(spirv) // 4}I", spirv))
    at, function = 5, words[3]
    words[3] += 2
    while words[at] & 0xffff != 15:  # OpEntryPoint
        at += words[at] >> 16
    own, after = words[at + 2], at + (words[at] >> 16)
    words[at + 3] = struct.unpack("<I", b"prim")[0]
    words[after:after] = [5 << 16 | 15, 5, function, 0x6e69616d, 0, 6 << 16 | 16, function, 17, 1, 1, 1]
    while words[at] & 0xffff != 54 or words[at + 2] != own:  # its OpFunction
        at += words[at] >> 16
    words += [5 << 16 | 54, words[at + 1], function, 0, words[at + 4], 2 << 16 | 248, function + 1, 1 << 16 | 253, 1 << 16 | 56]
    return struct.pack(f"<{len(words)}I", *words)


def records_of_every_entry_point_are_the_kernels(kiln):
    kiln.needs_launch()
    path = kiln.write("two.spv", with_other_main(kiln.shader("row_sums").read_bytes()))
    kiln.json("tune", "run", path, "--entry", "prim", *SUMS)
    record, = kiln.json("tune", "ls")["records"]
    assert kiln.json("tune", "show", path)["records"] == [record]
    assert kiln.json("tune", "export", kiln.path("x.toml"), "--program", path)["records"] == 1
    assert kiln.json("tune", "forget", path)["forgotten"] == 1


def records_of_glsl_are_found_by_how_it_was_compiled(kiln):
    kiln.needs_launch()
    kiln.needs_glsl()
    path = kiln.write("scaled.comp", """#version 450
layout(local_size_x_id = 0) in;
layout(binding = 0) buffer A { float a[]; };
void main() { a[gl_GlobalInvocationID.x] = float(gl_GlobalInvocationID.x) * SCALE; }
""")
    kiln.json("tune", "run", path, "-D", "SCALE=2.0", "--threads", 4096, "--budget", 300)
    assert len(kiln.json("tune", "show", path, "-D", "SCALE=2.0")["records"]) == 1
    assert kiln.json("tune", "show", path, "-D", "SCALE=3.0", code=FILE)["records"] == []
    assert kiln.json("tune", "export", kiln.path("x.toml"), "--program", path, "-D", "SCALE=2.0")["records"] == 1
    other = {"KILN_AUTOTUNE_STORE": str(kiln.path("other.toml"))}
    assert kiln.json("tune", "import", kiln.path("x.toml"), "-p", path, "-D", "SCALE=2.0", env=other)["records"] == 1
    assert kiln.json("tune", "forget", path, "-D", "SCALE=2.0")["forgotten"] == 1


def forget_removes_what_is_named_and_nothing_else(kiln):
    fill_store(kiln)
    for args, code in (((), USAGE), (("81",), USAGE), (("missing.spv",), FILE)):
        kiln.json("tune", "forget", *args, code=code)
    assert kiln.json("tune", "forget", "--adapter", "nothing")["forgotten"] == 0
    assert kiln.json("tune", "forget", "8100", "--adapter", "other")["forgotten"] == 0
    assert "would forget 1 record" in kiln("tune", "forget", "8100", "-n").stdout
    assert store_of(kiln).read_text(encoding="utf-8") == RECORD
    assert kiln("tune", "forget", "8100").stdout == "forgot 1 record\n"
    record, = kiln.json("tune", "ls")["records"]
    assert record["adapter"] == "vulkan-other-device"
    assert kiln.json("tune", "forget", "--adapter", "other-device")["forgotten"] == 1
    assert kiln.json("tune", "ls")["records"] == []


def exported_records_come_back_by_import(kiln):
    fill_store(kiln)
    before = kiln.json("tune", "ls")["records"]
    pack = kiln.write("pack.toml", "what was there")
    assert kiln.json("tune", "export", pack)["records"] == 2
    assert kiln.json("tune", "ls", pack)["records"][0] == before[0]
    assert [path.name for path in kiln.folder.iterdir() if "pack" in path.name] == ["pack.toml"]
    other = {"KILN_AUTOTUNE_STORE": str(kiln.path("other.toml"))}
    answer = kiln.json("tune", "import", pack, env=other)
    assert (answer["records"], answer["present"]) == (2, 0)
    assert [record["key"] for record in kiln.json("tune", "ls", env=other)["records"]] == [r["key"] for r in before]
    answer = kiln.json("tune", "import", pack, env=other)
    assert (answer["records"], answer["present"]) == (0, 2)
    assert kiln.json("tune", "import", "--replace", pack, env=other)["records"] == 2
    assert kiln.json("tune", "export", pack, "--adapter", "some")["records"] == 1
    assert kiln.json("tune", "export", pack, "--program", "8200")["records"] == 1
    assert [record["key"][:2] for record in kiln.json("tune", "ls", pack)["records"]] == ["82"]
    third = {"KILN_AUTOTUNE_STORE": str(kiln.path("third.toml"))}
    assert kiln.json("tune", "import", pack, "--adapter", "some", env=third)["records"] == 0
    assert not kiln.path("third.toml").exists()


def export_replaces_files_and_nothing_else(kiln):
    fill_store(kiln)
    pack, pipe, link, folder = (kiln.path(name) for name in ("a.toml", "pipe", "link", "folder"))
    kiln.json("tune", "export", pack)
    kiln.json("tune", "export", pack)
    os.mkfifo(pipe)
    link.symlink_to(pack)
    folder.mkdir()
    kiln.path("dangling").symlink_to(kiln.path("nowhere"))
    before = pack.read_bytes()
    for place, what in ((pipe, "pipe"), (link, "symbolic link"), (folder, "folder"),
                        (kiln.path("dangling"), "symbolic link")):
        message = kiln.json("tune", "export", place, code=FILE)["error"]["message"]
        assert what in message and "Fix:" in message, message
    assert pipe.is_fifo() and link.is_symlink() and folder.is_dir() and pack.read_bytes() == before
    assert not [path for path in kiln.folder.rglob("*") if ".tmp" in path.name]


def interrupted_export_leaves_nothing(kiln):
    head, first, _ = RECORD.split("[[record]]")
    many = (first.replace("81000100010000000", f"81000100{i:09x}") for i in range(20000))
    fill_store(kiln, head + "".join("[[record]]" + one for one in many))
    folder = kiln.path("there")
    folder.mkdir()
    process = kiln.start("tune", "export", folder / "pack.toml", "--adapter", "some")
    while process.poll() is None and not list(folder.iterdir()):
        time.sleep(0.0002)
    process.send_signal(signal.SIGINT)
    _, messages = process.communicate(timeout=120)
    assert process.returncode == INTERRUPTED and "Fix:" in messages, (process.returncode, messages)
    assert list(folder.iterdir()) == []


def export_keeps_what_other_programs_wrote_and_import_invents_no_date(kiln):
    text = "# by hand\n" + RECORD.replace("unroll", "theirs = [1, { a = 2 }] # mine\nunroll", 1)
    fill_store(kiln, text)
    dates = {record["key"]: record["recorded_at"] for record in kiln.json("tune", "ls")["records"]}
    assert None in dates.values(), dates
    pack = kiln.path("pack.toml")
    kiln.json("tune", "export", pack)
    assert pack.read_text(encoding="utf-8") == text
    kiln.json("tune", "export", pack, "--program", "8100")
    kept = pack.read_text(encoding="utf-8")
    assert "# by hand" in kept and "theirs = [1, { a = 2 }] # mine" in kept and "8200" not in kept, kept
    kiln.json("tune", "export", pack)
    other = {"KILN_AUTOTUNE_STORE": str(kiln.path("other.toml"))}
    kiln.json("tune", "import", pack, env=other)
    assert {record["key"]: record["recorded_at"] for record in kiln.json("tune", "ls", env=other)["records"]} == dates
    assert store_of(kiln).read_text(encoding="utf-8") == text


def store_that_cannot_be_read_is_a_sentence_and_stays(kiln):
    broken = RECORD + "what is this\n"
    fill_store(kiln, broken)
    good = kiln.write("good.toml", RECORD)
    for args in (("ls",), ("show", "8100"), ("forget", "8100"), ("export", kiln.path("x.toml")), ("import", good)):
        answer = kiln.json("tune", *args, code=FILE)
        assert "line" in answer["error"]["message"], answer
    assert store_of(kiln).read_text(encoding="utf-8") == broken and not kiln.path("x.toml").exists()
    fill_store(kiln)
    kiln.json("tune", "import", kiln.write("bad.toml", "= ="), code=FILE)
    kiln.json("tune", "import", kiln.path("missing.toml"), code=FILE)
    kiln.json("tune", "export", kiln.folder, code=FILE)
    kiln.json("tune", "export", kiln.path("x.toml"), "--adapter", "nothing", code=FILE)
    assert store_of(kiln).read_text(encoding="utf-8") == RECORD and not kiln.path("x.toml").exists()


if __name__ == "__main__":
    sys.exit(support.main(globals()))
