#!/usr/bin/env python3
"""Installs into a fresh folder and builds a program outside the tree with nothing but pkg-config.

    test_installed.py BUILD-FOLDER PREFIX SOURCE.c SAXPY.spv CASE CC [CC-ARGUMENT...]

Cases: shared; static (the shared library is taken away, as on a system that ships only the archive);
both (shared and static stand side by side, the archive is named); mismatch (a header of another version must not link).
"""
import glob
import os
import re
import shutil
import subprocess
import sys
import tempfile


def run(command, **options):
    print("+", " ".join(command), flush=True)
    return subprocess.run(command, text=True, **options)


def flags(root, prefix, *wanted):
    """What pkg-config says, with the fresh folder in front of the paths it names."""
    folders = glob.glob(f"{root}{prefix}/**/pkgconfig", recursive=True)
    environment = dict(os.environ, PKG_CONFIG_PATH=":".join(folders), PKG_CONFIG_SYSROOT_DIR=root)
    return run(["pkg-config", *wanted, "kiln"], check=True, stdout=subprocess.PIPE, env=environment).stdout.split()


def shared_libraries(root):
    return [path for path in glob.glob(f"{root}/**/libkiln.so*", recursive=True)]


def remove_shared(root):
    for path in shared_libraries(root):
        os.unlink(path)


def other_version(root):
    """Makes the installed header claim another ABI."""
    path, = glob.glob(f"{root}/**/kiln/export.h", recursive=True)
    with open(path, encoding="utf-8") as file:
        text = file.read()
    changed = re.sub(r"name##_v\w+", "name##_v9_9", text)
    if changed == text:
        sys.exit("test_installed: KILN_ABI was not found in export.h")
    with open(path, "w", encoding="utf-8") as file:
        file.write(changed)


def main():
    build, prefix, source, spirv, case, *compiler = sys.argv[1:]
    root = tempfile.mkdtemp(prefix="kiln-install-")
    try:
        run(["meson", "install", "-C", build, "--no-rebuild", "--quiet", "--destdir", root], check=True)
        return check(root, prefix, source, spirv, case, compiler)
    finally:
        shutil.rmtree(root)


def check(root, prefix, source, spirv, case, compiler):
    wanted = ["--cflags", "--libs"] + (["--static"] if case in ("static", "both") else [])
    if case == "static":
        remove_shared(root)
    if case == "mismatch":
        other_version(root)
    arguments = flags(root, prefix, *wanted)
    if case == "both":
        arguments = ["-l:libkiln.a" if argument == "-lkiln" else argument for argument in arguments]
    program = f"{root}/program"
    built = run([*compiler, "-std=c17", "-Wall", "-Wextra", "-Werror", source, "-o", program, *arguments],
                stderr=subprocess.PIPE if case == "mismatch" else None)
    if case == "mismatch":
        print(built.stderr)
        return 0 if built.returncode != 0 and "kiln_device_open_v9_9" in built.stderr else 1
    if built.returncode != 0:
        return 1
    needed = run(["readelf", "-d", program], check=True, stdout=subprocess.PIPE).stdout
    if ("libkiln" in needed) != (case == "shared") or "libvulkan" in needed:
        print(needed)
        return 1
    folders = {os.path.dirname(path) for path in shared_libraries(root)}
    environment = dict(os.environ, LD_LIBRARY_PATH=":".join(folders), XDG_CACHE_HOME=root)
    return run([program, spirv], env=environment).returncode


sys.exit(main())
