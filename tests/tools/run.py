#!/usr/bin/env python3
"""kiln run on one driver: data in from files and patterns, launched, and out again, compared with Python's own."""
import array
import os
import pty
import select
import shutil
import signal
import struct
import subprocess
import sys
import time

import support
from support import BAD_KERNEL, BAD_LAUNCH, EXPECTED_WARM, FILE, INTERRUPTED, Skip, USAGE, floats, npy, npy_load, png, png_load

N = 1000
PUSH = f"f32:2.5,u32:{N}"

STEP = """#version 450
layout(local_size_x = 64) in;
layout(binding = 0) buffer A { uint a[]; };
void main() { uint i = gl_GlobalInvocationID.x; if (i < a.length()) a[i] += 1; }
"""

DEEP = """#version 450
layout(local_size_x = 1) in;
layout(set = 0, binding = 0, r32f) uniform writeonly image3D deep;
void main() { imageStore(deep, ivec3(0), vec4(1)); }
"""

TURN = """#version 450
layout(local_size_x = 8, local_size_y = 8) in;
layout(set = 0, binding = 0) uniform sampler2D source;
layout(set = 0, binding = 3, rgba8) uniform writeonly image2D target;
void main()
{
	ivec2 size = imageSize(target), at = ivec2(gl_GlobalInvocationID.xy);
	if (all(lessThan(at, size)))
		imageStore(target, at, textureLod(source, (vec2(size.x - 1 - at.x, at.y) + 0.5) / vec2(size), 0));
}
"""
INVERT = """#version 450
layout(local_size_x = 8, local_size_y = 8) in;
layout(binding = 0) readonly buffer Source { uint source[]; };
layout(binding = 1) writeonly buffer Target { uint target[]; };
layout(push_constant) uniform Push { uint width, height; };
void main()
{
	uvec2 p = gl_GlobalInvocationID.xy;
	if (p.x < width && p.y < height)
		target[p.y * width + p.x] = source[p.y * width + p.x] ^ 0x00ffffffu;
}
"""

HALVE = """#version 450
layout(local_size_x = 64) in;
layout(binding = 0) buffer Gray { float gray[]; };
void main() { uint i = gl_GlobalInvocationID.x; if (i < gray.length()) gray[i] *= 0.5; }
"""

MIXED = """#version 450
layout(local_size_x = 1) in;
layout(constant_id = 7) const int LEVEL = -1;
layout(constant_id = 8) const bool DEEP = false;
layout(constant_id = 9) const float SCALE = 1.5;
layout(binding = 0) writeonly buffer Out { float values[8]; };
layout(binding = 1) uniform Uniforms { float u; int v; };
layout(push_constant) uniform Push { float a; uint b; vec2 c; };
void main()
{
	values[0] = LEVEL; values[1] = DEEP ? 1 : 0; values[2] = SCALE;
	values[3] = u; values[4] = v; values[5] = a; values[6] = b; values[7] = c.y;
}
"""


def f32(values):
    return array.array("f", values).tobytes()


def expected(x, y, a=2.5):
    return [struct.unpack("<f", struct.pack("<f", a * i + j))[0] for i, j in zip(x, y)]


def saxpy_from_npy_to_npy(kiln):
    x, y = [i / 8 for i in range(N)], [float(N - i) for i in range(N)]
    kiln.write("x.npy", npy("<f4", (N,), f32(x)))
    kiln.write("y.npy", npy("<f4", (N,), f32(y), version=2))
    answer = kiln.json("run", kiln.shader("saxpy"), "--in", "x.npy", "--in", "y.npy", "--push", PUSH, "--out", "1=z.npy")
    descr, shape, data = npy_load(kiln.path("z.npy"))
    assert (descr, shape) == ("<f4", (N,))
    assert list(struct.unpack(f"<{N}f", data)) == expected(x, y)
    assert answer["threads"] == [N, 1, 1] and answer["launches"] == 1
    assert [buffer["bytes"] for buffer in answer["buffers"]] == [4 * N, 4 * N]
    assert answer["manifest"]["pipeline_id"] == answer["pipeline_id"]


def raw_files_and_names_and_indexes(kiln):
    x, y = [float(i) for i in range(N)], [1.0] * N
    kiln.write("x.bin", f32(x))
    kiln.write("y.bin", f32(y))
    kiln.json("run", kiln.shader("saxpy"), "--in", "1=y.bin", "--in", "x.bin", "--push", PUSH, "--out", "Y=z.bin")
    assert floats(kiln.path("z.bin")) == expected(x, y)
    kiln.json("run", kiln.shader("saxpy"), "-i", "Y=y.bin:f32", "-i", "X=raw:x.bin", "-p", PUSH, "-o", "1=npy:odd.name")
    assert npy_load(kiln.path("odd.name"))[:2] == ("<f4", (N,))
    assert kiln("run", kiln.shader("saxpy"), "-i", "x.bin", "-i", "y.bin:f32", "-p", PUSH).stdout.count("1 3.5 6 8.5") == 1


def patterns_fill_buffers(kiln):
    kiln.json("run", kiln.shader("saxpy"), "--in", f"iota:f32:{N}:1:0.5", "--in", "const:f32:-1", "--push", PUSH, "--out",
              "1=z.bin", "--out", "0=x.bin")
    x = [1 + i / 2 for i in range(N)]
    assert floats(kiln.path("x.bin")) == x and floats(kiln.path("z.bin")) == expected(x, [-1.0] * N)


def random_pattern_is_the_same_for_the_same_seed(kiln):
    for name, seed in (("a", 7), ("b", 7), ("c", 8)):
        kiln("run", kiln.shader("saxpy"), "--in", f"random:f32:{N}:{seed}", "--push", PUSH, "--out", f"0={name}")
    a, b, c = (floats(kiln.path(name)) for name in "abc")
    assert a == b and a != c and all(0 <= value < 1 for value in a) and 0.4 < sum(a) / N < 0.6


def buffers_not_given_are_zeros_for_every_thread(kiln):
    answer = kiln.json("run", kiln.shader("saxpy"), "--threads", N, "--push", PUSH, "--out", "1=z.bin")
    assert floats(kiln.path("z.bin")) == [0.0] * N
    assert answer["buffers"][0]["source"] == "zeros, made up" and answer["threads_source"] == "--threads"


def picture_in_and_out_is_rgba8(kiln):
    width, height = 37, 21
    pixels = bytes((x * 7 + y * 3 + c * 50) % 256 for y in range(height) for x in range(width) for c in range(4))
    kiln.write("in.png", png(width, height, pixels))
    invert = kiln.spirv("invert", INVERT)
    answer = kiln.json("run", invert, "--in", "in.png", "--push", f"u32:{width},{height}", "--out", "1=out.png", "--out",
                       "0=same.png")
    assert answer["threads"] == [width, height, 1]
    want = bytes(value if i % 4 == 3 else value ^ 255 for i, value in enumerate(pixels))
    assert png_load(kiln.path("out.png")) == (width, height, 4, want)
    assert png_load(kiln.path("same.png")) == (width, height, 4, pixels)


def picture_fills_an_image(kiln):
    width, height = 29, 18
    pixels = bytes((x * 5 + y * 11 + c * 60) % 256 for y in range(height) for x in range(width) for c in range(4))
    kiln.write("in.png", png(width, height, pixels))
    turn = kiln.spirv("turn", TURN)
    answer = kiln.json("run", turn, "--in", "in.png", "--out", "target=out.png", "--out", "0=same.png", "--repeat", "3")
    assert answer["threads"] == [width, height, 1]
    assert answer["buffers"][1]["source"] == "zeros, made up" and answer["buffers"][1]["bytes"] == len(pixels)
    rows = [pixels[i * width * 4:(i + 1) * width * 4] for i in range(height)]
    turned = b"".join(row[x * 4:x * 4 + 4] for row in rows for x in reversed(range(width)))
    assert png_load(kiln.path("out.png")) == (width, height, 4, turned)
    assert png_load(kiln.path("same.png")) == (width, height, 4, pixels)
    kiln.json("run", turn, "--in", "in.png:rgba32f", "--out", "1=float.png")
    assert png_load(kiln.path("float.png"))[3] == turned
    for mistake, status in (("zeros:4", None), ("in.png:rgb8", None)):
        answer = kiln.json("run", turn, "--in", mistake, "--threads", "2,2", code=BAD_LAUNCH)
        assert "is no picture of" in answer["error"]["message"] and answer["error"]["status"] == status, answer
    answer = kiln.json("run", turn, "--in", "1=in.png:gray8", "--threads", "2,2", code=BAD_LAUNCH)
    assert answer["error"]["status"] == "KILN_ERR_IMAGE_MISMATCH", answer
    assert kiln.json("run", turn, "--threads", 0)["threads"] == [0, 1, 1]
    answer = kiln.json("run", turn, "--threads", "4000000000,2", code=BAD_LAUNCH)
    assert "Fix: use fewer threads" in answer["error"]["message"]


def picture_as_floats_is_zero_to_one(kiln):
    pixels = bytes(range(0, 256, 4))
    kiln.write("gray.png", png(8, 8, pixels, color=0, channels=1))
    kiln.json("run", kiln.spirv("halve", HALVE), "--in", "gray.png:gray32f", "--threads", 64, "--out", "0=half.png")
    assert png_load(kiln.path("half.png")) == (8, 8, 1, bytes(int(value / 2 + 0.5) for value in pixels))


def specialisation_uniforms_and_push_reach_the_kernel(kiln):
    mixed = kiln.spirv("mixed", MIXED)
    options = ("--threads", 1, "--in", "1=data:f32:0.25,i32:-3", "--push", "f32:1,u32:2,pad:0,f32:3,4", "--out", "0=o.bin")
    kiln.json("run", mixed, *options)
    assert floats(kiln.path("o.bin")) == [-1, 0, 1.5, 0.25, -3, 1, 2, 4]
    kiln.json("run", mixed, *options, "--spec", "7=i32:-20", "--spec", "DEEP=true", "--spec", "9=2.25")
    assert floats(kiln.path("o.bin")) == [-20, 1, 2.25, 0.25, -3, 1, 2, 4]
    kiln.write("push.bin", struct.pack("<fIff", 9, 8, 7, 6))
    kiln.json("run", mixed, *options[:4], "--push", "@push.bin", "--out", "0=o.bin")
    assert floats(kiln.path("o.bin"))[5:] == [9, 8, 6]


def bad_specialisation_is_a_sentence(kiln):
    mixed = kiln.spirv("mixed", MIXED)
    for spec in ("6=1", "nothing=1", "7=f32:1", "7=1.5", "7=3000000000", "8=2", "9=x", "9="):
        kiln.json("run", mixed, "--threads", 1, "--push", "f32:1,u32:2,f32:3,4", "--spec", spec, code=BAD_LAUNCH)
    kiln.json("run", mixed, "--threads", 1, "--spec", "7", code=USAGE)


def outputs_are_those_of_the_first_launch(kiln):
    answer = kiln.json("run", kiln.spirv("step", STEP), "--in", "iota:u32:100", "--repeat", 20, "--out", "0=a.bin")
    assert struct.unpack("<100I", kiln.path("a.bin").read_bytes()) == tuple(range(1, 101))
    times = answer["time_ns"]
    assert answer["launches"] == 20 and 0 < times["min"] <= times["median"] <= times["p99"] and times["first"] > 0


def workgroup_comes_from_explicit_then_store_then_kernel(kiln):
    saxpy = kiln.shader("saxpy")
    run = ("run", saxpy, "--threads", N, "--in", "iota:f32", "--push", PUSH, "--out", "1=z.bin")
    plain = kiln.json(*run)
    assert (plain["workgroup"], plain["workgroup_source"]) == ([64, 1, 1], "kernel"), plain
    # By hand, as a person or another tool would write it.
    (kiln.cache / "autotune.toml").write_text(f"""schema = 1

[[record]]
key = "{plain["tune_key"]}"
adapter = "{plain["device"]["adapter"]}"
workgroup_size = [128, 1, 1]
unroll = 4
tile = [16, 16, 1]
recorded_at = "2026-05-02"
""", encoding="utf-8")
    tuned = kiln.json(*run)
    assert (tuned["workgroup"], tuned["workgroup_source"]) == ([128, 1, 1], "store"), tuned
    assert "wg=128x1x1" in tuned["dispatch_policy"] and tuned["miss_reason"] == "dispatch_policy_changed"
    assert floats(kiln.path("z.bin")) == expected(range(N), [0] * N)
    assert "128x1x1 (store)" in kiln(*run).stdout
    for option in (("--no-autotune",), ("--workgroup", "64")):
        assert kiln.json(*run, *option)["workgroup"] == [64, 1, 1]
    assert kiln.json(*run, "--workgroup", "32")["workgroup_source"] == "explicit"
    assert kiln.json(*run, env={"KILN_AUTOTUNE": "off"})["workgroup_source"] == "kernel"


def glsl_is_run_on_a_cache_opened_once(kiln):
    kiln.needs_glsl()
    if not shutil.which("strace"):
        raise Skip("strace is not installed")
    opened = []
    for file in (kiln.shader("saxpy"), kiln.source / "shaders/saxpy.comp"):
        for _ in range(2): # the first one makes folders
            done = subprocess.run(["strace", "-f", "-e", "trace=openat", "-o", kiln.path("trace"), kiln.tool, "run", file,
                                   "--threads", "1", "--push", PUSH], env=kiln.env, capture_output=True, check=False)
            if done.returncode:
                raise Skip("strace cannot trace here")
        opened.append(kiln.path("trace").read_text(encoding="utf-8").count(f'"{kiln.cache}"'))
    assert opened[0] == opened[1] > 0, opened


def expected_warm_is_an_error_where_nothing_can_be_warm(kiln):
    answer = kiln.json("run", kiln.shader("saxpy"), "--expect-warm", "--threads", 1, "--push", PUSH, code=EXPECTED_WARM)
    assert "empty_cache" in answer["error"]["message"]


def manifest_is_written(kiln):
    answer = kiln.json("run", kiln.shader("saxpy"), "--threads", 1, "--push", PUSH, "--manifest", "m.json")
    manifest = support.json.loads(kiln.path("m.json").read_text(encoding="utf-8"))
    assert manifest == answer["manifest"] and manifest["schema"] == 1


def mistaken_launches_are_sentences_of_their_own(kiln):
    saxpy = kiln.shader("saxpy")
    threads = ("--threads", 1)
    for args, code, status in (
            (threads, BAD_LAUNCH, "KILN_ERR_PUSH_MISSING"),
            ((*threads, "--push", "f32:1"), BAD_LAUNCH, "KILN_ERR_PUSH_TOO_SHORT"),
            ((*threads, "--push", PUSH + ",u32:1"), BAD_LAUNCH, "KILN_ERR_PUSH_TOO_LONG"),
            ((*threads, "--push", PUSH, "--workgroup", "100000"), BAD_LAUNCH, "KILN_ERR_WORKGROUP_LIMIT"),
            (("--threads", "4294967295,65536", "--in", "zeros:4", "--in", "zeros:4", "--push", PUSH), BAD_LAUNCH,
             "KILN_ERR_THREADS_LIMIT"),
            (("--push", PUSH), BAD_LAUNCH, None),
            ((*threads, "--push", PUSH, "--in", "zeros:1", "--in", "zeros:1", "--in", "zeros:1"), BAD_LAUNCH, None),
            ((*threads, "--push", PUSH, "--in", "2=zeros:1"), BAD_LAUNCH, None),
            ((*threads, "--push", PUSH, "--out", "2=x"), BAD_LAUNCH, None),
            ((*threads, "--push", PUSH, "--in", "0=zeros:1", "--in", "0=zeros:1"), USAGE, None),
            ((*threads, "--push", "f33:1"), USAGE, None),
            ((*threads, "--push", "u8:256"), USAGE, None),
            ((*threads, "--push", "@missing"), FILE, None),
            ((*threads, "--push", PUSH, "--in", "iota:f33:8"), USAGE, None),
            ((*threads, "--push", PUSH, "--in", "zeros:f32:8G"), USAGE, None),
            ((*threads, "--push", PUSH, "--entry", "other"), BAD_KERNEL, None),
            ((*threads, "--push", PUSH, "--out", "0=x.npy"), FILE, None),
            ((*threads, "--push", PUSH, "--out", "0=x.png:rgba8:2x2"), FILE, None),
            ((*threads, "--push", PUSH, "--out", "0=no/such/folder"), FILE, None),
    ):
        answer = kiln.json("run", saxpy, *args, code=code)
        assert answer["error"]["status"] == status, (args, answer)
    assert sorted(os.listdir(kiln.folder)) == ["cache"], "something was left behind"


def short_buffer_is_noted(kiln):
    done = kiln("run", kiln.shader("saxpy"), "--in", "zeros:10", "--threads", 11, "--push", "f32:1,u32:10")
    assert "note: binding 0 has 10 elements for 11 threads" in done.stderr


def image_binding_of_no_picture_is_a_sentence(kiln):
    answer = kiln.json("run", kiln.spirv("deep", DEEP), "--threads", 1, code=BAD_LAUNCH)
    assert "storage buffer" in answer["error"]["message"] and "storage_image" in answer["error"]["message"]


def bad_input_files_are_sentences(kiln):
    good = npy("<f4", (4,), bytes(16))
    bomb = png(1, 1, b"", idat=support.zlib.compress(bytes(64 << 20)))
    cases = {
        "text.npy": b"not an array", "short.npy": good[:-1], "long.npy": good + b"x", "cut.npy": good[:40],
        "big.npy": npy(">f4", (4,), bytes(16)), "fortran.npy": npy("<f4", (2, 2), bytes(16), order=True),
        "complex.npy": npy("<c8", (2,), bytes(16)), "huge.npy": npy("<f4", (1 << 40, 1 << 40), bytes(16)),
        "negative.npy": npy("<f4", (-4,), bytes(16)), "text.png": b"not a picture", "half.png": png(4, 4, bytes(64))[:60],
        "wide.png": png(100000, 100000, b"", idat=b"x"), "bomb.png": bomb, "version.npy": good.replace(b"Y\x01", b"Y\x09"),
    }
    for name, data in cases.items():
        kiln.write(name, data)
        answer = kiln.json("run", kiln.shader("saxpy"), "--in", name, "--push", PUSH, code=FILE)
        assert name in answer["error"]["message"], answer
    kiln.json("run", kiln.shader("saxpy"), "--in", "missing.npy", "--push", PUSH, code=FILE)
    kiln.json("run", kiln.shader("saxpy"), "--in", ".", "--push", PUSH, code=FILE)


def file_over_the_bound_is_refused_unread(kiln):
    with open(kiln.path("huge.bin"), "wb") as file:
        file.truncate((1 << 30) + 1)
    kiln.json("run", kiln.shader("saxpy"), "--in", "huge.bin", "--push", PUSH, code=FILE)


def pipe_is_a_file_too(kiln):
    os.mkfifo(kiln.path("pipe"))
    process = kiln.start("run", kiln.shader("saxpy"), "--in", "pipe", "--push", PUSH, "--out", "0=x.bin")
    kiln.path("pipe").write_bytes(f32(range(N)))
    assert process.wait(timeout=60) == 0 and floats(kiln.path("x.bin")) == list(range(N))


def output_replaces_the_old_file_and_may_be_a_device(kiln):
    kiln.write("z.bin", b"old")
    kiln("run", kiln.shader("saxpy"), "--threads", 8, "--push", PUSH, "--out", "1=z.bin", "--out", "0=/dev/null")
    assert len(kiln.path("z.bin").read_bytes()) == 32
    assert sorted(os.listdir(kiln.folder)) == ["cache", "z.bin"]


def interrupt_ends_with_its_own_status_and_whole_files(kiln):
    process = kiln.start("run", kiln.spirv("step", STEP), "--in", "iota:u32:4096", "--repeat", 10000000, "--out", "0=a.bin",
                         "--json")
    support.wait_for_interrupts(process)
    time.sleep(3)
    process.send_signal(signal.SIGINT)
    text, _ = process.communicate(timeout=60)
    answer = support.json.loads(text)
    assert process.returncode == INTERRUPTED and answer["error"]["exit_code"] == INTERRUPTED, (process.returncode, text)
    assert 1 < answer["launches"] < 10000000
    assert len(kiln.path("a.bin").read_bytes()) == 4 * 4096
    kiln.json("compile", kiln.path("step.spv"))


def read_until(screen, wanted, seconds):
    """What the terminal showed until `wanted` did, or the time was up."""
    text, end = "", time.monotonic() + seconds
    while wanted not in text and time.monotonic() < end:
        if select.select([screen], [], [], 0.1)[0]:
            text += os.read(screen, 1 << 16).decode()
    return text


def progress_shows_on_a_terminal_only(kiln):
    command = [kiln.tool, "run", kiln.spirv("step", STEP), "--in", "iota:u32:4096", "--repeat", "10000000"]
    try:
        screen, terminal = pty.openpty()
    except OSError as error:
        raise Skip(f"no terminal to show it on: {error}") from error
    with subprocess.Popen(command, stdout=subprocess.DEVNULL, stderr=terminal, cwd=kiln.folder, env=kiln.env) as process:
        text = read_until(screen, "/9999999, 1 s", 60)
        process.send_signal(signal.SIGINT)
        assert process.wait(timeout=60) == INTERRUPTED
    os.close(terminal)
    text += read_until(screen, "interrupted after", 10)
    os.close(screen)
    assert "launch " in text and "/9999999, 1 s" in text and "interrupted after" in text, text
    process = kiln.start(*command[1:])
    time.sleep(2)
    process.send_signal(signal.SIGINT)
    assert "/9999999" not in process.communicate(timeout=60)[1]


def glsl_runs_without_a_compiler_step(kiln):
    kiln.needs_glsl()
    kiln.write("step.comp", STEP)
    kiln("run", "step.comp", "--in", "iota:u32:10", "--out", "0=a.bin")
    assert struct.unpack("<10I", kiln.path("a.bin").read_bytes()) == tuple(range(1, 11))


def workgroup_reported_is_the_one_launched(kiln):
    """The step kernel's size is specialisable and 1 by default: 64 would round 1000 threads up, so it takes a guard."""
    sizeless = STEP.replace("local_size_x = 64", "local_size_x_id = 7")
    assert sizeless != STEP
    command = ["run", kiln.spirv("sizeless", sizeless), "--in", "iota:u32:1000"]
    assert kiln.json(*command)["workgroup"] == [1, 1, 1]
    assert kiln.json(*command, "--guarded")["workgroup"] == [64, 1, 1]
    command[-1] = "iota:u32:1024"
    assert kiln.json(*command)["workgroup"] == [64, 1, 1]


def trace_shows_every_launch_within_the_wait_for_it(kiln):
    kiln("run", kiln.spirv("step", STEP), "--in", "iota:u32:1000", "--repeat", 5, "--trace", "t.json")
    trace = support.json.loads(kiln.path("t.json").read_text(encoding="utf-8"))
    facts, events = trace["otherData"], trace["traceEvents"]
    assert facts["dropped"] == facts["unmeasured"] == 0 and facts["device_clock"] in ("calibrated", "bracketed")
    launches = [event for event in events if event.get("cat") == "launch"]
    assert len(launches) == 5 and all(event["args"]["groups"] == [16, 1, 1] for event in launches)
    for launch in launches:
        of_it = [event for event in events if event.get("cat") in ("submit", "wait") and
                 event["args"]["ticket"] == launch["args"]["ticket"]]
        begin = min(event["ts"] for event in of_it if event["cat"] == "submit")
        end = max(event["ts"] + event["dur"] for event in of_it if event["cat"] == "wait")
        assert begin <= launch["ts"] + 0.002 and launch["ts"] + launch["dur"] <= end + 0.002, (launch, of_it)
    assert {event["cat"] for event in events if "cat" in event} >= {"resolve", "compile", "record", "submit", "wait"}


def trace_that_cannot_be_written_is_said(kiln):
    said = kiln("run", kiln.spirv("step", STEP), "--in", "iota:u32:10", "--trace", "no/folder/t.json", code=FILE)
    assert "--trace" in said.stderr and "Fix:" in said.stderr


def empty_array_is_a_sentence(kiln):
    kiln.write("empty.npy", npy("<f4", (0,), b""))
    answer = kiln.json("run", kiln.shader("saxpy"), "--threads", 4, "--in", "empty.npy", "--push", "f32:1,u32:4",
                       code=BAD_LAUNCH)
    message = answer["error"]["message"]
    assert "empty.npy" in message and "0 elements" in message and "pattern" not in message, message


def nothing_to_launch_is_success(kiln):
    answer = kiln.json("run", kiln.shader("nothing"), "--threads", 0)
    assert answer["threads"] == [0, 1, 1]


if __name__ == "__main__":
    sys.exit(support.main(globals()))
