#!/usr/bin/env python3
"""Checks the tier rule: who may include whom, and that base, cache and autotune never name Vulkan.

usage: tiers.py SOURCE_ROOT
       tiers.py --self-test
"""
import pathlib
import re
import sys
import tempfile

# Tier -> the tiers whose internal headers it may include, and those whose public ones it may.
INTERNAL = {
    "base": {"base"},
    "cache": {"base", "cache"},
    "autotune": {"autotune", "base"},
    "runtime": {"autotune", "base", "cache", "runtime"},
    "shaders": {"shaders"},
    "tools": {"tools"},
    "examples": {"examples"},
    "bench": {"bench"},
}
PUBLIC = {tier: set(tiers) for tier, tiers in INTERNAL.items()}
for tier in ("tools", "examples", "bench"):
    PUBLIC[tier] |= {"autotune", "base", "cache", "runtime", "shaders"}
PUBLIC["shaders"] |= {"base", "runtime"}

NO_VULKAN = ("base", "cache", "autotune")
# Identifiers only: the backend's name "vulkan" is data, and stands in strings.
VULKAN_NAME = re.compile(r"\b(?:vk[A-Z]\w*|Vk[A-Z]\w*|VK_\w+|PFN_vk\w+|volk\w*)")
VULKAN_HEADER = re.compile(r"(?:^|/)(?:vulkan|volk|vk_)[^/]*\.h|^vulkan/|^vk_video/")
VULKAN_USERS = ("runtime", "bench")
OWN_DEVICE = ("06_bring_your_own_device.c", "15_existing_device.c")  # the examples that make a VkDevice by hand

INCLUDE = re.compile(r'^[ \t]*#[ \t]*include[ \t]*([<"])([^>"]+)[>"]', re.MULTILINE)
COMMENT_OR_STRING = re.compile(r'/\*.*?\*/|//[^\n]*|"(?:\\.|[^"\\\n])*"|\'(?:\\.|[^\'\\\n])*\'', re.DOTALL)


def blank(match):
    """Keeps line numbers: everything but the newlines goes."""
    return re.sub(r"[^\n]", " ", match.group(0))


def line_of(text, at):
    return text.count("\n", 0, at) + 1


def owners(root, source, name, bracket):
    """[(tier, is it public)] of the files of ours that `name` can mean. The nearest one is the one meant."""
    if bracket == "<" and "/" not in name:
        return []  # the system's, such as <strings.h>
    beside = (source.parent / name).resolve()
    if beside.is_file() and root in beside.parents:
        parts = beside.relative_to(root).parts
        return [(parts[0], "include" in parts)]
    found = []
    for tier in INTERNAL:
        if (root / tier / "include" / name).is_file():
            found.append((tier, True))
        elif (root / tier / "src" / name).is_file():
            found.append((tier, False))
    return found


def check_include(root, source, tier, name, bracket):
    """A sentence when the include is forbidden, else None."""
    if VULKAN_HEADER.search(name) and not name.startswith("kiln/"):
        if tier not in VULKAN_USERS and source.name not in OWN_DEVICE:
            return f"{tier} includes {name}; expected Vulkan only in {' and '.join(VULKAN_USERS)}"
        if "include" in source.relative_to(root).parts and source.name != "vulkan.h":
            return f"a public header includes {name}; expected Vulkan only in kiln/vulkan.h"
        return None
    for owner, public in owners(root, source, name, bracket):
        allowed = PUBLIC if public else INTERNAL
        if owner not in allowed[tier]:
            kind = "public" if public else "internal"
            return f"{tier} includes the {kind} header {name} of {owner}"
    return None


def check_file(root, source):
    tier = source.relative_to(root).parts[0]
    text = source.read_text(encoding="utf-8")
    code = COMMENT_OR_STRING.sub(blank, text)
    problems = []
    for found in INCLUDE.finditer(text):
        at = found.start()
        # An include inside a comment is blank in `code`; one in the code keeps its '#'.
        if "#" not in code[at:found.end()]:
            continue
        if problem := check_include(root, source, tier, found.group(2), found.group(1)):
            problems.append((line_of(text, at), problem))
    if tier in NO_VULKAN:
        for found in VULKAN_NAME.finditer(code):
            problem = f"{tier} names {found.group(0)}; it knows no Vulkan"
            problems.append((line_of(code, found.start()), problem))
    return [f"{source.relative_to(root)}:{line}: {problem}" for line, problem in problems]


def check(root):
    root = pathlib.Path(root).resolve()
    problems = []
    count = 0
    for tier in INTERNAL:
        for source in sorted((root / tier).rglob("*")):
            if source.suffix in (".c", ".cpp", ".h"):
                count += 1
                problems += check_file(root, source)
    return count, problems


BAD = {
    "cache/src/a.c": "#include <vulkan/vulkan.h>\n",
    "cache/src/b.c": "#include <kiln/autotune.h>\n",
    "cache/src/c.c": "int f(void) { return VK_SUCCESS; }\n",
    "base/src/d.c": "#include <cache/key.h>\n",
    "autotune/src/e.c": "void vkDestroyDevice(void);\n",
    "tools/f.c": "#include <base/alloc.h>\n",
    "runtime/include/kiln/g.h": "#include <volk.h>\n",
    "examples/h.c": '#include "../runtime/src/device.h"\n',
}
GOOD = {
    "cache/src/key.c": '/* VkPipeline, #include <vulkan/vulkan.h> */\nconst char *id = "vulkan"; // VK_X\n',
    "autotune/src/strings.h": "\n",
    "cache/src/cache/key.h": "#include <strings.h>\n#include <base/alloc.h>\n#include <kiln/autotune_not_ours.h>\n",
    "base/src/base/alloc.h": "\n",
    "autotune/include/kiln/autotune.h": "\n",
    "runtime/src/device.h": "#include <volk.h>\n#include <cache/key.h>\n",
    "runtime/include/kiln/vulkan.h": "#include <vulkan/vulkan_core.h>\n",
    "tools/main.c": "#include <kiln/autotune.h>\n#include <kiln/vulkan.h>\n",
}


def self_test():
    """Every bad file is caught once, and no good one."""
    with tempfile.TemporaryDirectory() as folder:
        for name, text in {**BAD, **GOOD}.items():
            path = pathlib.Path(folder, name)
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_text(text, encoding="utf-8")
        _, problems = check(folder)
    caught = sorted(problem.split(":")[0] for problem in problems)
    if caught != sorted(BAD):
        print("\n".join(problems))
        print(f"expected one problem in each of {sorted(BAD)}")
        return 1
    return 0


def main():
    if sys.argv[1] == "--self-test":
        return self_test()
    count, problems = check(sys.argv[1])
    for problem in problems:
        print(problem)
    print(f"{count} files, {len(problems)} problems")
    return 1 if problems or count == 0 else 0


if __name__ == "__main__":
    sys.exit(main())
