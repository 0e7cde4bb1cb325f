#!/usr/bin/env python3
"""Writes a corpus of compute modules that differ in types, qualifiers, sizes, layouts, extensions and versions.

usage: make_corpus.py OUT_DIR [--stamp FILE] [--jobs N] [--keep-sources]

Deterministic: the same tools give the same files. Each NAME.spv has a NAME.strip beside it, the same module through
`spirv-opt --strip-debug`, where that tool accepts it, and sizes that are expressions of specialisation constants a
NAME.frozen with all of them worked out. Needs glslangValidator, spirv-opt and spirv-as.
"""
import argparse
import concurrent.futures
import pathlib
import shutil
import subprocess
import sys

import corpus_glsl
import corpus_words

# Client and SPIR-V version, rotated over the sources. A source may ask for at least one of them.
TARGETS = (
    ("vulkan1.0",), ("vulkan1.1",), ("vulkan1.2",), ("vulkan1.3",),
    ("vulkan1.1", "spirv1.4"), ("vulkan1.1", "spirv1.1"), ("vulkan1.1", "spirv1.2"),
)
MINIMUM = {"1.0": 0, "1.3": 1, "1.4": 2, "1.5": 2, "1.6": 3}
USABLE = {
    "1.0": (0, 1, 2, 3, 4, 5, 6),
    "1.3": (1, 2, 3, 4),
    "1.4": (2, 3, 4),
    "1.5": (2, 3),
    "1.6": (3,),
}


def run(command):
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    return done.returncode, (done.stdout + done.stderr).strip()


def compile_glsl(out, name, source, target, flags):
    path = out / (name + (".hlsl" if source.hlsl else ".comp"))
    path.write_text(source.text, encoding="ascii")
    command = ["glslangValidator", "-S", "comp", "--quiet", "-o", str(out / (name + ".spv"))]
    command += ["-D", "-V", "-e", "main"] if source.hlsl else ["-V"]
    for one in target:
        command += ["--target-env", one]
    return run(command + list(flags) + [str(path)])


def strip(out, name):
    """The yardstick for stripping. Absent for what the tool refuses: some of glslang's output lacks a capability."""
    path = out / (name + ".strip")
    status, _ = run(["spirv-opt", "--strip-debug", str(out / (name + ".spv")), "-o", str(path)])
    if status != 0:
        path.unlink(missing_ok=True)


def freeze(out, name):
    """The yardstick for expressions: SPIRV-Cross does not evaluate them, this tool does."""
    status, text = run(["spirv-opt", "--freeze-spec-const", "--fold-spec-const-op-composite", str(out / (name + ".spv")),
                        "-o", str(out / (name + ".frozen"))])
    if status != 0:
        raise RuntimeError(f"{name}: {text}")


def build_glsl(job):
    out, index, source, keep = job
    usable = USABLE[source.minimum]
    names = []
    variants = [("", usable[index % len(usable)], ("", "-g", "-g0")[index % 3])]
    if index % 4 == 1:
        variants.append(("-b", usable[(index // 4 + 1) % len(usable)], "-g0"))
    if index % 16 == 7 and not source.hlsl and not source.name.startswith("spec-sized"):
        variants.append(("-v", usable[-1], "-gVS"))
    for suffix, target, flag in variants:
        name = f"{index:03d}-{source.name}{suffix}"
        status, text = compile_glsl(out, name, source, TARGETS[target], [flag] if flag else [])
        if status != 0:
            raise RuntimeError(f"{name} for {TARGETS[target]}: {text}\n{source.text}")
        names.append(name)
    if index % 3 == 0:
        level = ("-O", "-Os")[index // 3 % 2]
        base = names[0]
        optimised = out / (base + "-o.spv")
        status, _ = run(["spirv-opt", level, str(out / (base + ".spv")), "-o", str(optimised)])
        if status == 0:
            names.append(base + "-o")
        else:
            optimised.unlink(missing_ok=True)
    for name in names:
        if not name.endswith("-v"):  # the tool crashes on non-semantic debug information
            strip(out, name)
        if source.name.startswith("spec-sized"):
            freeze(out, name)
    if not keep:
        for path in out.glob(f"{index:03d}-*"):
            if path.suffix in (".comp", ".hlsl"):
                path.unlink()
    return names


def build_assembly(job):
    out, name, version, text = job
    path = out / (name + ".spvasm")
    path.write_text(text, encoding="ascii")
    status, message = run(["spirv-as", "--target-env", "spv" + version, str(path), "-o", str(out / (name + ".spv"))])
    if status != 0:
        raise RuntimeError(f"{name}: {message}")
    path.unlink()
    strip(out, name)
    return [name]


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("out", type=pathlib.Path)
    parser.add_argument("--stamp", type=pathlib.Path)
    parser.add_argument("--jobs", type=int, default=2)
    parser.add_argument("--keep-sources", action="store_true")
    options = parser.parse_args()
    shutil.rmtree(options.out, ignore_errors=True)
    options.out.mkdir(parents=True)
    glsl = [(options.out, i, source, options.keep_sources) for i, source in enumerate(corpus_glsl.sources())]
    assembly = [(options.out, *one) for one in corpus_words.assembly()]
    names = []
    with concurrent.futures.ThreadPoolExecutor(options.jobs) as pool:
        for made in pool.map(build_glsl, glsl):
            names += made
        for made in pool.map(build_assembly, assembly):
            names += made
    for name, words in corpus_words.modules():
        (options.out / (name + ".spv")).write_bytes(b"".join(word.to_bytes(4, "little") for word in words))
        names.append(name)
    print(f"{len(names)} modules in {options.out}")
    if options.stamp:
        options.stamp.write_text("\n".join(names) + "\n", encoding="ascii")
    return 0


if __name__ == "__main__":
    sys.exit(main())
