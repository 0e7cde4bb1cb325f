#!/usr/bin/env python3
"""Checks what the documents name: every test of docs/PROMISES.md is in the file beside it, every link and file exists.

usage: promises.py SOURCE_ROOT
       promises.py --self-test

A file is what stands in backquotes, ends like one of ours and has a folder in front, from the root of the tree or from
its parts below; links are relative to their document. What a build makes, or a user has, is not looked for.
"""
import pathlib
import re
import sys
import tempfile

DOCUMENTS = ("README.md", "CONTRIBUTING.md", "CHANGELOG.md")
FOLDERS = ("docs", "autotune", "cache", "runtime")  # *.md in and below them
PROMISES = "docs/PROMISES.md"

ROW = re.compile(r"^\| *(?P<promise>[^|]*?) *\| *(?P<test>[^|]*?) *\| *(?P<place>[^|]*?) *\|$")
NAME = re.compile(r"^`([a-z][a-z0-9_]*)`$")
LINK = re.compile(r"\]\(([^)\s]+)\)")
QUOTED = re.compile(r"`([^`\n]+)`")
OURS = re.compile(r"^[\w.][\w./-]*/[\w.-]+\.(?:c|h|md|py|sh|build|comp|txt)$")
# Where a document may begin a path: DESIGN.md says `kiln/identity.h`, PERFORMANCE.md `bench/raw_compute.c`.
BASES = ("", "base/include", "base/src", "cache/include", "cache/src", "autotune/include", "runtime/include", "tests")


def defines(path, name):
    """Whether a C or Python file has a test of that name, or a table or meson.build names one so."""
    text = path.read_text(encoding="utf-8")
    return re.search(rf"^static void {name}\(|^def {name}\(|[\"']{name}[\"']", text, re.MULTILINE) is not None


def check_row(root, row):
    """A sentence when a row of the table does not hold, else None."""
    test, place = row["test"], row["place"]
    if not test and not place:
        return None  # the promise; its tests are in the rows that follow
    path = root / "tests" / place
    if not place or not path.is_file():
        return f"tests/{place} is no file"
    if test == "whole":
        return None
    name = NAME.match(test)
    if not name:
        return f"'{test}' is no test's name; expected `name` or whole"
    if not defines(path, name[1]):
        return f"tests/{place} has no test {name[1]}"
    return None


def check_promises(root, text):
    """Also that every promise has a test at all, and that none stands twice with the same test."""
    waiting = None
    for number, line in enumerate(text.splitlines(), 1):
        row = ROW.match(line)
        if not row or row["promise"] == "promise" or set(line) <= set("|-"):
            if waiting:
                yield number - 1, f"'{waiting}' has no test"
            waiting = None
            continue
        if row["promise"]:
            if waiting:
                yield number - 1, f"'{waiting}' has no test"
            waiting = row["promise"]
        if row["test"]:
            waiting = None
        if problem := check_row(root, row):
            yield number, problem
    if waiting:
        yield len(text.splitlines()), f"'{waiting}' has no test"


def exists(root, document, name):
    folders = [document.parent, *document.parents[:-1], *(root / base for base in BASES)]
    return any((folder / name).exists() for folder in folders)


def check_document(root, document):
    """Every link leads somewhere, and every file that is named is there."""
    for number, line in enumerate(document.read_text(encoding="utf-8").splitlines(), 1):
        for link in LINK.findall(line):
            if "://" not in link and not link.startswith("#") and \
                    not (document.parent / link.split("#")[0]).exists():
                yield number, f"the link to {link} leads nowhere"
        for quoted in QUOTED.findall(line):
            name = quoted.split()[0] if quoted.split() else ""
            if OURS.match(name) and "*" not in name and not exists(root, document, name):
                yield number, f"{name} is no file of the tree"


def documents(root):
    for name in DOCUMENTS:
        if (root / name).is_file():
            yield root / name
    for folder in FOLDERS:
        yield from sorted((root / folder).rglob("*.md"))


def check(root):
    """(how many rows name a test, problems)"""
    root = pathlib.Path(root).resolve()
    text = (root / PROMISES).read_text(encoding="utf-8")
    found = [f"{PROMISES}:{number}: {problem}" for number, problem in check_promises(root, text)]
    for document in documents(root):
        found += [f"{document.relative_to(root)}:{number}: {problem}"
                  for number, problem in check_document(root, document)]
    count = sum(1 for line in text.splitlines() if (row := ROW.match(line)) and NAME.match(row["test"]))
    return count, found


TREE = {
    "tests/unit/test_a.c": "static void here(void **state)\n{\n}\n\n/* gone_from_here */\n",
    "tests/tools/b.py": "def also_here(kiln):\n    pass\n",
    "cache/include/kiln/cache.h": "\n",
    "README.md": "[good](docs/PROMISES.md#disk) [far](https://example.org/x)\n`cache/include/kiln/cache.h` `~/.config/x.md`\n"
                 "[bad](docs/NOWHERE.md)\nsee `cache/src/gone.c`\n",
    PROMISES: "| promise | test | place |\n|---|---|---|\n"
              "| one | | |\n| | `here` | unit/test_a.c |\n| | `also_here` | tools/b.py |\n| | whole | unit/test_a.c |\n"
              "| two | `gone_from_here` | unit/test_a.c |\n"    # 7: only a comment
              "| three | `here` | unit/test_c.c |\n"            # 8: no such file
              "| four | nothing | unit/test_a.c |\n"            # 9: no name
              "| five | | |\n"                                  # 10: no test at all
              "| six | `here` | unit/test_a.c |\n",
}
BAD = [f"{PROMISES}:10", f"{PROMISES}:7", f"{PROMISES}:8", f"{PROMISES}:9", "README.md:3", "README.md:4"]


def self_test():
    """Every bad line is caught once, and no good one."""
    with tempfile.TemporaryDirectory() as folder:
        for name, text in TREE.items():
            path = pathlib.Path(folder, name)
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_text(text, encoding="utf-8")
        _, problems = check(folder)
    caught = sorted(":".join(problem.split(":")[:2]) for problem in problems)
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
    print(f"{count} tests named, {len(problems)} problems")
    return 1 if problems or count == 0 else 0


if __name__ == "__main__":
    sys.exit(main())
