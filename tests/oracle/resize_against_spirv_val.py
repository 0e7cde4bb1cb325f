"""What Kiln resizes, spirv-val accepts whenever it accepts the module as it was, and spirv-dis shows the new size and no other
difference than the size's.

With --full, in every environment and at more sizes (two minutes).

Usage: resize_against_spirv_val.py [--full] RESIZE_PROBE SPIRV_VAL SPIRV_DIS LEAST PATH...
"""
import collections
import concurrent.futures
import os
import re
import subprocess
import sys
import tempfile

FULL = "--full" in sys.argv
SIZES = [(3, 5, 7)] + FULL * [(1, 1, 1), (64, 1, 1), (1024, 1, 1)]
ENVIRONMENTS = ["vulkan1.3"] + FULL * ["vulkan1.0", "vulkan1.1", "vulkan1.2", "spv1.6"]
SIZE_LINE = re.compile(r"OpExecutionMode(Id)? %\S+ LocalSize|OpDecorate %\S+ BuiltIn WorkgroupSize")


def valid_in(validator, path):
    """The environments that accept the module."""
    return [e for e in ENVIRONMENTS
            if subprocess.run([validator, "--target-env", e, path], capture_output=True).returncode == 0]


def lines_of(disassembler, path):
    text = subprocess.run([disassembler, "--raw-id", "--no-header", path], capture_output=True, text=True, check=True)
    return text.stdout.splitlines()


def check(tools, before, after, size):
    """A sentence when something is wrong, else None; and the number of environments."""
    validator, disassembler = tools
    environments = valid_in(validator, before)
    lost = [e for e in environments if e not in valid_in(validator, after)]
    if lost:
        return f"{before} at {size} is no longer valid in {lost}", 0
    old, new = lines_of(disassembler, before), lines_of(disassembler, after)
    if [x for x in old if not SIZE_LINE.search(x)] != [x for x in new if not SIZE_LINE.search(x)]:
        return f"{before} at {size} differs in more than the size", 0
    if not any("LocalSize %d %d %d" % size in x for x in new) or any("BuiltIn WorkgroupSize" in x for x in new):
        return f"{before} at {size} does not have that size", 0
    return None, len(environments)


def main():
    arguments = [a for a in sys.argv[1:] if a != "--full"]
    probe, *tools = arguments[:3]
    least, paths = int(arguments[3]), []
    for path in arguments[4:]:
        paths += [os.path.join(path, n) for n in sorted(os.listdir(path)) if n.endswith(".spv")] if os.path.isdir(
            path) else [path]
    with tempfile.TemporaryDirectory() as folder:
        jobs = [(p, os.path.join(folder, f"{i}-{k}.spv"), s) for i, p in enumerate(paths) for k, s in enumerate(SIZES)]
        answer = subprocess.run([probe], input="".join(f"{p} {o} {s[0]} {s[1]} {s[2]}\n" for p, o, s in jobs),
                                capture_output=True, text=True, check=True).stdout.splitlines()
        assert len(answer) == len(jobs), (len(answer), len(jobs))
        done = [job for job, text in zip(jobs, answer) if text == "resized"]
        reasons = collections.Counter(re.sub(r".*because the kernel |SPIR-V word \d+|[.] Fix.*|\"[^\"]*\"", "", text)[:60]
                                      for text in answer if text != "resized")
        with concurrent.futures.ThreadPoolExecutor(2) as pool:
            verdicts = list(pool.map(lambda job: check(tools, *job), done))
    wrong = [sentence for sentence, _ in verdicts if sentence]
    validated = sum(count for _, count in verdicts)
    print(f"{len(paths)} modules, {len(done)} resized copies, {validated} validations, {len(wrong)} wrong")
    for reason, count in reasons.most_common(12):
        print(f"  {count:5} refused: {reason}")
    print("\n".join(wrong[:20]))
    return 1 if wrong or len(done) < least or validated < least else 0


if __name__ == "__main__":
    sys.exit(main())
