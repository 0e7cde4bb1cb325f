#!/usr/bin/env python3
"""Runs an example and checks what it made by other means: check.py BEHAVIOUR FOLDER-OF-EXAMPLES

Exit codes: 0 right, 1 wrong, 77 nothing to run it on (with a line "skip: REASON").
"""
import array
import glob
import math
import os
import pathlib
import re
import signal
import subprocess
import sys
import tempfile
import time

sys.dont_write_bytecode = True
import png  # noqa: E402

sys.path.append(str(pathlib.Path(__file__).parent.parent / "tools"))
import support  # noqa: E402

MANIFESTS = (
    "/usr/share/vulkan/icd.d",
    "/usr/local/share/vulkan/icd.d",
    "/etc/vulkan/icd.d",
)
BEHAVIOURS = {}


def behaviour(function):
    BEHAVIOURS[function.__name__] = function
    return function


def skip(reason):
    print(f"skip: {reason}")
    sys.exit(77)


def driver(kind):
    """Environment that selects one driver: "lvp" executes, "radeon" only compiles."""
    found = [path for folder in MANIFESTS for path in sorted(glob.glob(f"{folder}/{kind}_icd*.json"))]
    if not found:
        skip(f"no {kind} Vulkan driver is installed (package mesa-vulkan-drivers)")
    env = {"VK_DRIVER_FILES": found[0], "VK_ICD_FILENAMES": found[0]}
    if kind == "radeon":
        env["RADV_FORCE_FAMILY"] = "NAVI21"
    return env


class Example:
    """One example in a folder of its own, with a cache of its own."""

    def __init__(self, programs, name):
        self.program = os.path.join(programs, name)
        self.folder = tempfile.TemporaryDirectory(prefix="kiln-example-")

    def path(self, name):
        return os.path.join(self.folder.name, name)

    def run(self, *arguments, env, code=0):
        clean = {name: value for name, value in os.environ.items() if not name.startswith(("KILN_", "RADV_", "VK_"))}
        clean["MESA_SHADER_CACHE_DISABLE"] = "true"
        clean["XDG_CACHE_HOME"] = self.folder.name
        done = subprocess.run([self.program, *arguments], env={**clean, **env}, cwd=self.folder.name, text=True,
                              capture_output=True, check=False, timeout=300)
        print(done.stdout, done.stderr, sep="")
        assert done.returncode == code, f"exit code {done.returncode}, expected {code}"
        return done


def rounded(value):
    return array.array("f", [value])[0]


@behaviour
def saxpy_is_what_python_computes(programs):
    example = Example(programs, "01_saxpy")
    n, a = 100003, 1.75
    example.run("-n", str(n), "-a", str(a), "-o", "y.f32", env=driver("lvp"))
    y = array.array("f")
    with open(example.path("y.f32"), "rb") as file:
        y.frombytes(file.read())
    assert len(y) == n, f"{len(y)} values, expected {n}"
    # a and x have few digits, so the product is exact and there is one rounding only.
    wrong = [i for i in range(n) if y[i] != rounded(a * (i / 1024) + 1)]
    assert not wrong, f"{len(wrong)} wrong, the first y[{wrong[0]}] = {y[wrong[0]]}"


@behaviour
def reduce_is_what_python_computes(programs):
    example = Example(programs, "02_reduce")
    for n in (1, 2, 511, 513, 300001):
        out = example.run("--count", str(n), env=driver("lvp")).stdout
        got = float(re.search(r"^sum +(\S+),", out, re.MULTILINE).group(1))
        state, total = 1, 0.0
        for _ in range(n):
            state = (state * 1664525 + 1013904223) & 0xFFFFFFFF
            total += (state >> 8) / 16777216
        assert abs(got - total) <= 2e-6 * total, f"n = {n}: {got}, expected {total}"
        launches = len(re.findall(r"^launch ", out, re.MULTILINE))
        assert (launches == 1) == (n < 513), f"n = {n}: {launches} launches"


def bilateral(picture, radius, sigma_space, sigma_range):
    width, height, rows = picture
    out = []
    for y in range(height):
        line = []
        for x in range(width):
            centre, total, weights = rows[y][x], [0.0] * 3, 0.0
            for v in range(max(y - radius, 0), min(y + radius, height - 1) + 1):
                for u in range(max(x - radius, 0), min(x + radius, width - 1) + 1):
                    colour = rows[v][u]
                    apart = sum((p - q) ** 2 for p, q in zip(colour, centre)) / 255**2
                    away = (u - x) ** 2 + (v - y) ** 2
                    weight = math.exp(-away / (2 * sigma_space**2) - apart / (2 * sigma_range**2))
                    total = [t + weight * p for t, p in zip(total, colour)]
                    weights += weight
            line.append(tuple(round(t / weights) for t in total))
        out.append(line)
    return width, height, out


def sobel(picture):
    width, height, rows = picture

    def at(x, y):
        return rows[min(max(y, 0), height - 1)][min(max(x, 0), width - 1)]

    out = []
    for y in range(height):
        line = []
        for x in range(width):
            near = [[at(x + i, y + j) for i in (-1, 0, 1)] for j in (-1, 0, 1)]
            pixel = []
            for c in range(3):
                n = [[p[c] for p in row] for row in near]
                dx = n[0][2] + 2 * n[1][2] + n[2][2] - n[0][0] - 2 * n[1][0] - n[2][0]
                dy = n[2][0] + 2 * n[2][1] + n[2][2] - n[0][0] - 2 * n[0][1] - n[0][2]
                pixel.append(min(round(math.hypot(dx, dy)), 255))
            line.append(tuple(pixel))
        out.append(line)
    return width, height, out


def worst(a, b):
    """The largest difference of two pictures in any channel."""
    return max(abs(p - q) for left, right in zip(a[2], b[2]) for m, n in zip(left, right) for p, q in zip(m, n))


def panels(path, width, height, gap=8):
    joined = png.read(path)
    assert joined[:2] == (3 * width + 4 * gap, height + 2 * gap), f"the picture has {joined[0]} x {joined[1]} pixels"
    return [png.crop(joined, gap + k * (width + gap), gap, width, height) for k in range(3)]


def given_picture(width, height):
    """A ramp, a hard edge, a bright dot, and grain, all without randomness."""
    def pixel(x, y):
        grain = (x * 7919 + y * 104729) % 23 - 11
        base = (40 + x * 2, 60 + y * 3, 90) if x + y // 2 < width * 2 // 3 else (210, 190, 120)
        if (x - 12) ** 2 + (y - 14) ** 2 < 9:
            base = (250, 250, 250)
        return tuple(min(max(value + grain, 0), 255) for value in base)
    return width, height, [[pixel(x, y) for x in range(width)] for y in range(height)]


@behaviour
def image_filters_a_given_picture_as_python_does(programs):
    example = Example(programs, "03_image")
    picture = given_picture(53, 37)
    png.write(example.path("in.png"), picture)
    example.run("in.png", "--output", "out.png", "--range", "0.2", env=driver("lvp"))
    source, filtered, edges = panels(example.path("out.png"), 53, 37)
    assert worst(source, picture) == 0, "the first panel is not the picture given"
    expected = bilateral(bilateral(picture, 4, 2.5, 0.2), 4, 2.5, 0.2 * 0.67)
    assert worst(filtered, expected) <= 1, f"filtered differs by {worst(filtered, expected)}"
    assert worst(edges, sobel(filtered)) <= 2, f"edges differ by {worst(edges, sobel(filtered))}"
    assert worst(filtered, source) > 8, "the filter changed nothing"


def gaussian(picture, sigma):
    width, height, rows = picture
    radius = (math.ceil(3 * sigma) + 1) // 2 * 2
    weights = [math.exp(-i * i / (2 * sigma**2)) for i in range(-radius, radius + 1)]

    def blurred(line):
        near = [[line[min(max(i + d, 0), len(line) - 1)] for d in range(-radius, radius + 1)] for i in range(len(line))]
        return [tuple(sum(w * p[c] for w, p in zip(weights, seen)) / sum(weights) for c in range(3)) for seen in near]

    columns = zip(*(blurred(row) for row in rows))
    return width, height, [list(row) for row in zip(*(blurred(list(column)) for column in columns))]


@behaviour
def images_are_blurred_as_python_does(programs):
    example = Example(programs, "16_image")
    picture = given_picture(53, 37)
    png.write(example.path("in.png"), picture)
    for sigma in (0.5, 2.0, 5.5):
        out = example.run("in.png", "--output", "out.png", "--sigma", str(sigma), env=driver("lvp")).stdout
        assert "0 wrong" in out, out
        source, blurred, edges = panels(example.path("out.png"), 53, 37)
        assert worst(source, picture) == 0, "the first panel is not the picture given"
        expected = gaussian(picture, sigma)
        assert worst(blurred, expected) <= 2, f"sigma {sigma}: blurred differs by {worst(blurred, expected)}"
        assert worst(edges, sobel(blurred)) <= 2, f"edges differ by {worst(edges, sobel(blurred))}"
        assert worst(blurred, source) > 8, "the blur changed nothing"


@behaviour
def images_of_a_rendered_scene_are_blurred(programs):
    example = Example(programs, "16_image")
    example.run("--size", "96", "--output", "out.png", env=driver("lvp"))
    source, blurred, edges = panels(example.path("out.png"), 96, 96)
    assert len({pixel for row in source[2] for pixel in row}) > 2000, "nothing was rendered"
    assert roughness(blurred) < 0.75 * roughness(source), "the grain is still there"
    assert worst(edges, sobel(blurred)) <= 2, f"edges differ by {worst(edges, sobel(blurred))}"
    assert example.run("--help", env={}).stdout.startswith("usage: 16_image")
    example.run("--sigma", "0", env={}, code=2)


def roughness(picture):
    """Mean difference of neighbours along a row: what grain adds to."""
    pairs = [(p, q) for row in picture[2] for p, q in zip(row, row[1:])]
    return sum(abs(p[1] - q[1]) for p, q in pairs) / len(pairs)


def mean_colour(picture, x, y, width, height):
    pixels = [pixel for row in png.crop(picture, x, y, width, height)[2] for pixel in row]
    return [sum(pixel[c] for pixel in pixels) / len(pixels) for c in range(3)]


@behaviour
def image_renders_a_scene_and_takes_its_grain_away(programs):
    example = Example(programs, "03_image")
    example.run("--size", "128", "--samples", "4", "--output", "out.png", env=driver("lvp"))
    source, filtered, edges = panels(example.path("out.png"), 128, 128)
    colours = {pixel for row in source[2] for pixel in row}
    assert len(colours) > 3000, f"only {len(colours)} colours: nothing was rendered"
    light = sum(mean_colour(source, 0, 0, 128, 128)) / 3
    assert 75 < light < 92, f"mean brightness {light:.1f}: the exposure is wrong"
    red, green, blue = mean_colour(source, 56, 30, 16, 12)
    assert red > green > blue and red > 120, f"no fire in the mouth of the kiln: {red:.0f} {green:.0f} {blue:.0f}"
    red, green, blue = mean_colour(source, 8, 52, 12, 30)
    assert green > red, f"the celadon vase is not green: {red:.0f} {green:.0f} {blue:.0f}"
    before, after = roughness(source), roughness(filtered)
    assert after < 0.75 * before, f"roughness {before:.2f} before, {after:.2f} after"
    assert worst(edges, sobel(filtered)) <= 2, f"edges differ by {worst(edges, sobel(filtered))}"
    bright = sum(max(pixel) > 128 for row in edges[2] for pixel in row) / 128**2
    assert 0.01 < bright < 0.4, f"{bright:.0%} of the edge picture is bright"


@behaviour
def mandelbrot_is_what_python_computes(programs):
    example = Example(programs, "05_mandelbrot")
    width, height, span, steps = 90, 60, 2.6, 100
    example.run("-x", "-0.65", "-y", "0", "-s", str(span), "-W", str(width), "-H", str(height), "-i", str(steps), "-a",
                "1", "-o", "m.png", env=driver("lvp"))
    got = png.read(example.path("m.png"))
    assert got[:2] == (width, height)
    differ = black = 0
    for y in range(height):
        for x in range(width):
            c = complex(-0.65 + (x + 0.5 - width / 2) * span / height, -(y + 0.5 - height / 2) * span / height)
            z, n = 0j, 0
            while n < steps and abs(z) < 256:
                z, n = z * z + c, n + 1
            expected = (0, 0, 0)
            if n < steps:
                t = 0.18 * math.sqrt(max(n + 4 - math.log2(2 * math.log2(abs(z))), 0))
                expected = tuple(round(255 * (0.5 + 0.5 * math.cos(2 * math.pi * (t + p)))) for p in (0.5, 0.6, 0.7))
            differ += max(abs(p - q) for p, q in zip(got[2][y][x], expected)) > 3
            black += expected == (0, 0, 0)
    assert 500 < black < 3000, f"the check itself is wrong: {black} points inside"
    # Single precision decides some points next to the border otherwise.
    assert differ <= width * height // 50, f"{differ} of {width * height} pixels differ"


@behaviour
def long_job_measures_the_area_in_slices(programs):
    example = Example(programs, "14_long_job")
    done = example.run("--points", "512", "--iterations", "2000", "--budget", "5", env=driver("lvp"))
    area = float(re.search(r"^area +(\S+),", done.stdout, re.MULTILINE).group(1))
    assert abs(area - 1.5066) < 0.02, f"area {area}"
    assert int(re.search(r"^slices +(\d+) in", done.stdout, re.MULTILINE).group(1)) > 5
    assert "%" not in done.stderr, "a progress bar, and no terminal to show it"


@behaviour
def long_job_stops_at_ctrl_c_and_says_how_far_it_came(programs):
    example = Example(programs, "14_long_job")
    clean = {name: value for name, value in os.environ.items() if not name.startswith(("KILN_", "RADV_", "VK_"))}
    env = {**clean, **driver("lvp"), "XDG_CACHE_HOME": example.folder.name}
    job = subprocess.Popen([example.program, "--iterations", "1000000", "--budget", "50"], env=env, text=True,
                           stdout=subprocess.PIPE, stderr=subprocess.PIPE)
    support.wait_for_interrupts(job)
    time.sleep(3)
    job.send_signal(signal.SIGINT)
    out, err = job.communicate(timeout=60)
    print(out, err, sep="")
    assert job.returncode == 130, f"exit code {job.returncode}, expected 130"
    done, total = map(int, re.search(r"^stopped +after (\d+) of (\d+) workgroups", out, re.MULTILINE).groups())
    assert 0 < done < total, out


def outcomes(out):
    return [re.findall(r"\b(memory|disk|driver|compiled|unknown)\b +[\d.]+ [num]?s\b", line)
            for line in out.splitlines() if re.match(r"(saxpy|bilateral|scene) ", line)]


@behaviour
def stream_chains_meet_in_the_right_sum(programs):
    out = Example(programs, "08_stream").run("-n", "5000", "-s", "7", env=driver("lvp")).stdout
    assert "5000 of 5000 elements are right" in out
    # One chain waits for itself 6 times, two do 12 times, and once the sum waits for its own chain.
    barriers = int(re.search(r"(\d+) barriers", out).group(1))
    assert barriers <= 15, out


@behaviour
def graph_records_little_again_and_is_right(programs):
    out = Example(programs, "09_graph").run("-f", "20", "-s", "64", env=driver("lvp")).stdout
    again, of = map(int, re.search(r"again +(\d+) of (\d+)", out).groups())
    # Once to cut the graph to size, then the one launch that changes.
    assert of == 20 * 64 and again <= 64 + 20, out


@behaviour
def calculation_with_checkpoints_is_right_without_a_loss(programs):
    out = Example(programs, "17_device_loss").run("-n", "5000", "-s", "33", "-c", "10", env=driver("lvp")).stdout
    assert "5000 of 5000 elements are right" in out
    assert "losses     0 in 33 launches" in out, out


@behaviour
def warm_start_is_disk_where_the_driver_keeps_code(programs):
    example = Example(programs, "04_warm_start")
    env = driver("radeon")
    rows = outcomes(example.run(env=env).stdout)
    assert rows == [["compiled", "memory", "disk"]] * 3, rows
    # A second process that finds the folder of the first is warm from its first line.
    example.run("--cache", "kept", env=env)
    rows = outcomes(example.run("--cache", "kept", env=env).stdout)
    assert rows == [["disk", "memory", "disk"]] * 3, rows


@behaviour
def warm_start_claims_no_hit_from_a_cache_without_code(programs):
    example = Example(programs, "04_warm_start")
    out = example.run(env=driver("lvp")).stdout
    rows = outcomes(out)
    assert len(rows) == 3
    for first, again, anew in rows:
        assert first in ("compiled", "unknown") and again == "memory" and anew != "disk", rows
    assert "has no code in it" in out


@behaviour
def warm_start_leaves_no_folder_behind(programs):
    with tempfile.TemporaryDirectory() as temporary:
        Example(programs, "04_warm_start").run(env={**driver("lvp"), "TMPDIR": temporary})
        assert os.listdir(temporary) == []


@behaviour
def own_device_loads_what_it_compiled_before(programs):
    example = Example(programs, "06_bring_your_own_device")
    env = driver("radeon")
    def entries():
        return list(pathlib.Path(example.path("kept")).rglob("*.bin"))

    assert example.run("kept", env=env).stdout == "pipeline compiled\n"
    path, = entries()
    assert path.stat().st_size > 1000, "no code in the entry"
    assert example.run("kept", env=env).stdout == "pipeline loaded\n"
    # Another driver is another device, and damage is compiled again.
    assert example.run("kept", env=driver("lvp")).stdout == "pipeline compiled\n"
    assert len(entries()) == 2
    path.write_bytes(path.read_bytes()[:-1] + b"?")
    assert example.run("kept", env=env).stdout == "pipeline compiled\n"
    assert example.run("kept", env=env).stdout == "pipeline loaded\n"
    assert example.run("kept", env={**env, "KILN_CACHE": "off"}).stdout == "pipeline compiled\n"
    done = example.run("/dev/null/no", env=env)
    assert done.stdout == "pipeline compiled\n" and "without a cache" in done.stderr
    none = {"VK_DRIVER_FILES": "/nonexistent.json", "VK_ICD_FILENAMES": "/nonexistent.json"}
    assert "Fix:" in example.run("kept", env=none, code=77).stderr
    assert example.run("--help", env={}).stdout.startswith("usage: 06_bring_your_own_device")
    example.run("--nonsense", env={}, code=2)


@behaviour
def existing_device_works_with_kiln_and_after_it(programs):
    example = Example(programs, "15_existing_device")
    env = driver("lvp")
    right = "device     llvmpipe.*\nwith Kiln  {} values are 2 x \\+ 5: right\nwithout    the device goes on: right\n"
    watched = {"VK_INSTANCE_LAYERS": "VK_LAYER_KHRONOS_validation"}
    for arguments, n, more in ((), 100000, {}), (("-n", "7", "-d", "llvm"), 7, {}), (("--device", "0"), 100000, watched):
        # The layer, where it is installed, would print what it has to say.
        out = example.run(*arguments, env={**env, **more}).stdout
        assert re.fullmatch(right.format(n), out), out
    assert "Fix:" in example.run("--device", "no such", env=env, code=2).stderr
    none = {"VK_DRIVER_FILES": "/nonexistent.json", "VK_ICD_FILENAMES": "/nonexistent.json"}
    assert "Fix:" in example.run(env=none, code=77).stderr
    assert example.run("--help", env={}).stdout.startswith("usage: 15_existing_device")
    example.run("--count", "0", env={}, code=2)


@behaviour
def autotune_is_right_before_and_after(programs):
    example = Example(programs, "07_autotune")
    out = example.run("--budget", "1000", env=driver("lvp")).stdout
    rows = re.findall(r"^(row sums|product) +\d+x\d+x1 .* \d+\.\d\dx$", out, re.MULTILINE)
    assert rows == ["row sums", "product"], out
    assert len(re.findall(r"^(?:row sums|product) +tried \d+ of \d+ configurations in ", out, re.MULTILINE)) == 2, out
    store = pathlib.Path(example.path("kiln/autotune.toml"))
    assert store.read_text(encoding="utf-8").count("[[record]]") == 2
    # What is not provisional is not measured again.
    settled = len(re.findall(r'^status = "(?:tuned|default)"', store.read_text(encoding="utf-8"), re.MULTILINE))
    out = example.run("--budget", "100", env=driver("lvp")).stdout
    assert out.count("was tuned by an earlier start") == settled, out
    out = example.run("--budget", "100", "--retune", env=driver("lvp")).stdout
    assert "by an earlier start" not in out, out


@behaviour
def indirect_walks_are_what_python_computes(programs):
    n, rounds = 3000, {}
    walks = {}
    for start in range(1, n + 1):
        number, steps = start, 0
        while number != 1:
            number, steps = (3 * number + 1 if number % 2 else number // 2), steps + 1
        walks[start] = steps
        for k in range(0, steps // 8 + 1, 4):  # every fourth round is printed
            rounds[k] = rounds.get(k, 0) + (k == 0 or steps > 8 * k)
    out = Example(programs, "10_indirect").run("-n", str(n), env=driver("lvp")).stdout
    got = {int(k): int(count) for k, count in re.findall(r"^round (\d+) +(\d+) walks", out, re.MULTILINE)}
    assert got == {k: count for k, count in rounds.items() if count}, (got, rounds)
    longest = max(walks, key=lambda start: walks[start])
    assert f"longest    {longest} takes {walks[longest]} steps" in out


def boards(n, row=0, columns=0, left=0, right=0):
    """How many boards of `n` are tried with a row still to fill, and how many solutions that makes."""
    if row == n:
        return 0, 1
    tried, solutions = 1, 0
    for column in (1 << c for c in range(n)):
        if not column & (columns | left | right):
            more = boards(n, row + 1, columns | column, (left | column) << 1, (right | column) >> 1)
            tried, solutions = tried + more[0], solutions + more[1]
    return tried, solutions


@behaviour
def persistent_queue_tries_every_board_once(programs):
    example = Example(programs, "11_persistent_queue")
    for n in (4, 6, 8):
        out = example.run("--queens", str(n), env=driver("lvp")).stdout
        got = int(re.search(r"^boards +(\d+) in", out, re.MULTILINE).group(1)), \
            int(re.search(r"^solutions +(\d+)$", out, re.MULTILINE).group(1))
        assert got == boards(n), f"n = {n}: {got}, expected {boards(n)}"


def typos_at(text, position, needle, most):
    """The least edit distance of the needle and a text that begins at this position."""
    column, best = list(range(len(needle) + 1)), len(needle)
    for letter in text[position:position + len(needle) + most]:
        diagonal, column[0] = column[0], column[0] + 1
        for i, wanted in enumerate(needle):
            replaced = diagonal + (wanted != letter)
            diagonal = column[i + 1]
            column[i + 1] = min(replaced, column[i] + 1, column[i + 1] + 1)
        best = min(best, column[-1])
    return best


@behaviour
def speculative_filter_finds_what_python_finds(programs):
    example = Example(programs, "12_speculative_filter")
    lines = [f"{k * 7919 % 1000:04d} all is well in the kiln, {k % 13} pots" for k in range(90)]
    for k, text in ((3, "glaze cracked"), (20, "glace cracked"), (41, "glazecraked"), (66, "a glazed cracket!"),
                    (80, "gaze rackd")):
        lines[k] += "; " + text
    text = "\n".join(lines) + "\nend: glaze cracke"
    with open(example.path("kiln.log"), "w", encoding="ascii") as file:
        file.write(text)
    for needle, most in (("glaze cracked", 0), ("glaze cracked", 2), ("pots", 1), ("k", 0)):
        found = {at: typos_at(text, at, needle, most) for at in range(len(text))}
        found = [at for at, typos in found.items() if typos <= most]
        out = example.run("--search", needle, "-t", str(most), "kiln.log", env=driver("lvp")).stdout
        count = int(re.search(r"^matches +(\d+) positions", out, re.MULTILINE).group(1))
        assert count == len(found), f"'{needle}': {count} positions, expected {len(found)}"
        shown = [int(at) for at in re.findall(r"^  at (\d+) ", out, re.MULTILINE)]
        assert shown and set(shown) <= set(found), (shown, found)
        survivors = [int(n) for n in re.search(r"^survivors +(\d+) of (\d+)", out, re.MULTILINE).groups()]
        assert len(found) <= survivors[0] < survivors[1] == len(text), survivors
    done = example.run("absent.log", env=driver("lvp"), code=1)
    assert "absent.log" in done.stderr and "Fix:" in done.stderr
    example.run("-s", "ab", "-t", "2", env={}, code=2)


@behaviour
def async_copy_counts_what_python_counts(programs):
    zeroes, pieces = 0, 2
    for piece in range(pieces):
        state = (piece * 2654435761 + 1) & 0xFFFFFFFF
        for _ in range(1 << 18):
            state = (state * 1664525 + 1013904223) & 0xFFFFFFFF
            zeroes += (state & state >> 7).to_bytes(4, "little").count(0)
    out = Example(programs, "13_async_copy").run("-p", str(pieces), env=driver("lvp")).stdout
    assert f"zeroes     {zeroes} of {pieces << 20} bytes" in out


LAUNCHING = (
    "01_saxpy",
    "02_reduce",
    "03_image",
    "05_mandelbrot",
    "07_autotune",
    "08_stream",
    "09_graph",
    "10_indirect",
    "11_persistent_queue",
    "12_speculative_filter",
    "13_async_copy",
    "14_long_job",
    "17_device_loss",
)


@behaviour
def compile_only_device_is_a_sentence_and_a_skip(programs):
    env = driver("radeon")
    for name in LAUNCHING:
        done = Example(programs, name).run(env=env, code=77)
        assert "cannot launch" in done.stderr, name


@behaviour
def no_driver_is_a_sentence_and_a_skip(programs):
    env = {"VK_DRIVER_FILES": "/nonexistent.json", "VK_ICD_FILENAMES": "/nonexistent.json"}
    for name in (*LAUNCHING, "04_warm_start"):
        done = Example(programs, name).run(env=env, code=77)
        assert "Fix:" in done.stderr, name


@behaviour
def help_is_printed_and_nonsense_refused(programs):
    for name in (*LAUNCHING, "04_warm_start"):
        done = Example(programs, name).run("--help", env={})
        assert done.stdout.startswith(f"usage: {name}"), name
        Example(programs, name).run("--no-such-option", env={}, code=2)
    for name, option, value in (("01_saxpy", "-n", "0"), ("02_reduce", "-n", "many"), ("03_image", "-s", "1e9"),
                                ("05_mandelbrot", "-s", "nan"), ("07_autotune", "--budget", "0"),
                                ("17_device_loss", "-n", "1.5"), ("15_existing_device", "-n", "-1")):
        done = Example(programs, name).run(option, value, env={}, code=2)
        assert "takes a " in done.stderr and "number from" in done.stderr, (name, done.stderr)
    for name, most in (("08_stream", 0), ("15_existing_device", 0), ("03_image", 1)):
        done = Example(programs, name).run(*["extra"] * (most + 1), env={}, code=2)
        assert "'extra' is one argument too many. Fix: " in done.stderr, (name, done.stderr)


@behaviour
def picture_that_is_none_is_a_sentence(programs):
    example = Example(programs, "03_image")
    with open(example.path("no.png"), "wb") as file:
        file.write(b"\x89PNG\r\n\x1a\nrubbish")
    for path in ("no.png", "absent.png"):
        done = example.run(path, env=driver("lvp"), code=1)
        assert path in done.stderr and "Fix:" in done.stderr and "wrong" not in done.stderr, path


@behaviour
def program_passes_on_lavapipe(program):
    program = os.path.abspath(program)
    example = Example(os.path.dirname(program), os.path.basename(program))
    example.run(env=driver("lvp"))


if __name__ == "__main__":
    BEHAVIOURS[sys.argv[1]](sys.argv[2])
