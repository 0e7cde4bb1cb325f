"""What the tests of the kiln command share: running it, small file formats, and a runner whose output the test
report counts case by case.

A test script ends with `sys.exit(support.main(globals()))`. Every function whose only argument is `kiln` is a test,
named as a behaviour.
"""
import inspect
import json
import os
import pathlib
import shutil
import signal
import struct
import subprocess
import sys
import tempfile
import time
import traceback
import zlib

OK, FAILURE, USAGE, EXPECTED_WARM, NO_DEVICE, BAD_KERNEL, BAD_LAUNCH, FILE = range(8)
INTERRUPTED = 130


class Skip(Exception):
    pass


def wait_for_interrupts(process, seconds=60):
    """Until the process watches for Ctrl-C, or has ended: before, it would just die of it."""
    deadline = time.monotonic() + seconds
    while process.poll() is None and time.monotonic() < deadline:
        status = pathlib.Path(f"/proc/{process.pid}/status").read_text(encoding="utf-8")
        caught = [line for line in status.splitlines() if line.startswith("SigCgt:")]
        if caught and int(caught[0].split()[1], 16) & (1 << (signal.SIGINT - 1)):
            return
        time.sleep(0.01)


class Kiln:
    """The command, with a folder and a cache of its own."""

    def __init__(self, tool, shaders, source, folder):
        self.tool = tool
        self.shaders = pathlib.Path(shaders)
        self.source = pathlib.Path(source)
        self.folder = pathlib.Path(folder)
        self.driver = os.environ.get("KILN_TEST_DRIVER", "none")
        self.env = {name: value for name, value in os.environ.items()
                    if not name.startswith("KILN_") or name == "KILN_VALIDATION"}
        self.cache = self.folder / "cache"
        self.env["KILN_CACHE_DIR"] = str(self.cache)

    def __call__(self, *args, code=OK, env=None):
        done = subprocess.run([self.tool, *map(str, args)], capture_output=True, text=True, check=False, cwd=self.folder,
                              env={**self.env, **(env or {})}, timeout=280)
        assert done.returncode == code, \
            f"kiln {' '.join(map(str, args))}\nexpected exit status {code}, got {done.returncode}\n" \
            f"{done.stdout}{done.stderr}"
        if code != OK:
            assert done.stderr.startswith("kiln"), f"no sentence: {done.stderr}"
        return done

    def json(self, *args, code=OK, env=None):
        """The answer of --json: one valid object that agrees with the exit status."""
        answer = json.loads(self(*args, "--json", code=code, env=env).stdout)
        assert answer["schema"] == 1 and answer["ok"] == (code == OK), answer
        if code not in (OK, INTERRUPTED):
            assert answer["error"]["exit_code"] == code, answer
            assert "Fix:" in answer["error"]["message"], answer
        assert answer.get("validation_messages", 0) == 0, answer
        return answer

    def start(self, *args):
        return subprocess.Popen([self.tool, *map(str, args)], stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True,
                                cwd=self.folder, env=self.env)

    def path(self, name):
        return self.folder / name

    def write(self, name, data):
        path = self.path(name)
        path.write_bytes(data if isinstance(data, bytes) else data.encode())
        return path

    def spirv(self, name, glsl, target="vulkan1.1"):
        """GLSL through the build's own compiler."""
        source, path = self.write(name + ".comp", glsl), self.path(name + ".spv")
        subprocess.run(["glslangValidator", "--quiet", "-V", "--target-env", target, "-o", path, source], check=True)
        return path

    def shader(self, name):
        return self.shaders / (name + ".spv")

    def needs_launch(self):
        if self.driver == "radv_null":
            raise Skip("RADV without hardware only compiles")

    def needs_glsl(self):
        done = subprocess.run([self.tool, "reflect", self.source / "shaders/saxpy.comp"], capture_output=True, text=True,
                              check=False, env=self.env)
        if "-Dglsl=enabled" in done.stderr:
            raise Skip("this build has no GLSL module")


def floats(path):
    data = pathlib.Path(path).read_bytes()
    return list(struct.unpack(f"<{len(data) // 4}f", data))


def npy(descr, shape, data, version=1, order=False):
    header = f"{{'descr': {descr!r}, 'fortran_order': {order}, 'shape': {shape!r}, }}".encode()
    prefix = 10 if version == 1 else 12
    header += b" " * (-(prefix + len(header) + 1) % 64) + b"\n"
    size = struct.pack("<H" if version == 1 else "<I", len(header))
    return b"\x93NUMPY" + bytes([version, 0]) + size + header + data


def npy_load(path):
    """(descr, shape, bytes)"""
    data = pathlib.Path(path).read_bytes()
    assert data[:8] == b"\x93NUMPY\x01\x00"
    length = struct.unpack_from("<H", data, 8)[0]
    assert (10 + length) % 64 == 0
    header = eval(data[10:10 + length].decode(), {"__builtins__": {}})  # pylint: disable=eval-used
    assert header["fortran_order"] is False
    return header["descr"], header["shape"], data[10 + length:]


def chunk(kind, data):
    return struct.pack(">I", len(data)) + kind + data + struct.pack(">I", zlib.crc32(kind + data))


def png(width, height, pixels, color=6, channels=4, idat=None):
    """8 bits per channel; color 0 gray, 2 RGB, 6 RGBA."""
    if idat is None:
        stride = width * channels
        idat = zlib.compress(b"".join(b"\0" + pixels[y * stride:(y + 1) * stride] for y in range(height)))
    head = struct.pack(">IIBBBBB", width, height, 8, color, 0, 0, 0)
    return b"\x89PNG\r\n\x1a\n" + chunk(b"IHDR", head) + chunk(b"IDAT", idat) + chunk(b"IEND", b"")


def paeth(a, b, c):
    return min((abs(b - c), 0, a), (abs(a - c), 1, b), (abs(a + b - 2 * c), 2, c))[2]


def png_load(path):
    """(width, height, channels, pixels)"""
    data, at, idat = pathlib.Path(path).read_bytes(), 8, b""
    while at < len(data):
        length, kind = struct.unpack_from(">I4s", data, at)
        body = data[at + 8:at + 8 + length]
        if kind == b"IHDR":
            width, height, depth, color = struct.unpack_from(">IIBB", body)
            assert depth == 8
            channels = {0: 1, 2: 3, 6: 4}[color]
        elif kind == b"IDAT":
            idat += body
        at += 12 + length
    raw, stride, rows = zlib.decompress(idat), width * channels, [bytes(width * channels)]
    for y in range(height):
        kind, line, row = raw[y * (stride + 1)], raw[y * (stride + 1) + 1:(y + 1) * (stride + 1)], bytearray()
        for i, value in enumerate(line):
            a = row[i - channels] if i >= channels else 0
            b = rows[-1][i]
            c = rows[-1][i - channels] if i >= channels else 0
            row.append(value + (0, a, b, (a + b) // 2, paeth(a, b, c))[kind] & 255)
        rows.append(bytes(row))
    return width, height, channels, b"".join(rows[1:])


def run_case(name, test, tool, shaders, source):
    print(f"[ RUN      ] {name}", flush=True)
    folder = tempfile.mkdtemp(prefix="kiln-tools-")
    try:
        test(Kiln(tool, shaders, source, folder))
        print(f"[       OK ] {name}")
    except Skip as reason:
        print(f"skip: {reason}\n[  SKIPPED ] {name}")
    except Exception:  # pylint: disable=broad-except
        traceback.print_exc(file=sys.stdout)
        print(f"[  FAILED  ] {name}")
        return False
    finally:
        shutil.rmtree(folder, ignore_errors=True)
        sys.stdout.flush()
    return True


def main(names):
    """Runs every test of a script: argv is TOOL SHADERS_FOLDER SOURCE_ROOT [NAME...]."""
    signal.signal(signal.SIGINT, signal.default_int_handler)
    tool, shaders, source, *only = sys.argv[1:]
    tests = {name: value for name, value in names.items()
             if inspect.isfunction(value) and list(inspect.signature(value).parameters) == ["kiln"]}
    if os.environ.get("VK_DRIVER_FILES", "").startswith("/missing/"):
        print("skip: the driver " + os.environ["KILN_TEST_DRIVER"] + " is not installed")
        return 77
    chosen = {name: test for name, test in tests.items() if not only or name in only}
    print(f"[==========] Running {len(chosen)} test(s).")
    good = [run_case(name, test, tool, shaders, source) for name, test in chosen.items()]
    return 0 if all(good) and good else 1
