#!/usr/bin/env python3
"""Checks every C and C++ file of the tree for functions the house style bans.

usage: banned.py SOURCE_ROOT
       banned.py --self-test

The compiler bans the unsafe ones too (base/src/base/banned.h); this also covers tests and C++, keeps heap
memory behind base/alloc.h and files behind base/fs.h in the tiers, and keeps the library from printing.
"""
import pathlib
import re
import sys

from tiers import COMMENT_OR_STRING, blank, line_of

FOLDERS = ("autotune", "base", "bench", "cache", "examples", "runtime", "shaders", "tests", "tools")
UNSAFE = "alloca atof atoi atol atoll gets sprintf stpcpy strcat strcpy strncat strtok vsprintf"
HEAP = "aligned_alloc asprintf calloc free malloc posix_memalign realloc strdup strndup vasprintf"
PRINT = "fputs perror printf putchar puts vprintf"
FILES = "creat fopen freopen open openat opendir rename renameat unlink unlinkat mkdir mkdirat"
TIERS = ("autotune", "base", "cache", "runtime")

# (functions, folders, files that may, what to use instead)
RULES = (
    (UNSAFE, FOLDERS, (), "a bounded function"),
    (HEAP, TIERS, ("base/src/alloc.c",), "base/alloc.h"),
    (PRINT, TIERS, (), "kiln_log() or kiln_error()"),
    (FILES, TIERS, ("base/src/fs_posix.c",), "base/fs.h"),
)


def problems_in(name, text):
    code = COMMENT_OR_STRING.sub(blank, text)
    for functions, folders, may, instead in RULES:
        if name.split("/")[0] not in folders or name in may:
            continue
        # A call: not a member (x.free, x->free), not part of a longer name, not a definition of ours.
        call = re.compile(r"(?<![\w.>])(" + functions.replace(" ", "|") + r")\s*\(")
        for found in call.finditer(code):
            where = f"{name}:{line_of(code, found.start())}"
            yield f"{where}: {found.group(1)} is banned here. Fix: use {instead}"


def self_test():
    cases = (
        ("base/src/x.c", "int x = atoi(text);", 1),
        ("tests/x.c", "strcpy (a, b);", 1),
        ("tests/x.c", "free(a); /* strcpy(a, b) */ const char *s = \"sprintf(\";", 0),
        ("cache/src/x.c", "free(a);", 1),
        ("cache/src/x.c", "kiln_free(a); fs->openat(user); table.free(x); snprintf(a, b, c);", 0),
        ("base/src/alloc.c", "free(a);", 0),
        ("runtime/src/x.c", "printf(\"x\"); fopen(\"x\", \"r\");", 2),
        ("tools/x.c", "printf(\"x\");", 0),
    )
    wrong = [case for case in cases if len(list(problems_in(case[0], case[1]))) != case[2]]
    for case in wrong:
        print(case)
    return 1 if wrong else 0


def main():
    if sys.argv[1] == "--self-test":
        return self_test()
    root = pathlib.Path(sys.argv[1]).resolve()
    count = 0
    problems = []
    for folder in FOLDERS:
        for source in sorted((root / folder).rglob("*")):
            if source.suffix in (".c", ".cpp", ".h"):
                count += 1
                name = source.relative_to(root).as_posix()
                problems += problems_in(name, source.read_text(encoding="utf-8"))
    for problem in problems:
        print(problem)
    print(f"{count} files, {len(problems)} problems")
    return 1 if problems or count == 0 else 0


if __name__ == "__main__":
    sys.exit(main())
