#!/usr/bin/env python3
"""The libraries export the declared API and nothing else.

    test_symbols.py shared|static NM LIBRARY HEADER...
"""
import re
import subprocess
import sys


def declared(headers):
    names = set()
    for path in headers:
        with open(path, encoding="utf-8") as file:
            text = file.read()
        text = re.sub(r"/\*.*?\*/", "", text, flags=re.S)
        with_abi = set(re.findall(r"#define (kiln_\w+) KILN_ABI\(\1\)", text))
        for declaration in re.findall(r"KILN_API\s+([^;{}]*?)\(", re.sub(r"#.*", "", text)):
            name = re.findall(r"\w+", declaration)[-1]
            names.add((name, name in with_abi))
    return names


def abi_suffix(headers):
    for path in headers:
        if path.endswith("export.h"):
            with open(path, encoding="utf-8") as file:
                return re.search(r"#define KILN_ABI\(name\) name##(\w+)", file.read()).group(1)
    sys.exit("test_symbols: export.h is missing from the arguments")


def main():
    kind, nm, library, *headers = sys.argv[1:]
    command = [nm, "--defined-only", "--extern-only", "-P", library]
    if kind == "shared":
        command.insert(1, "--dynamic")
    output = subprocess.run(command, check=True, capture_output=True, text=True).stdout
    exported = {line.split()[0] for line in output.splitlines() if len(line.split()) >= 3}
    suffix = abi_suffix(headers)
    expected = {name + suffix if abi else name for name, abi in declared(headers)}

    foreign = sorted(name for name in exported if not name.startswith("kiln_"))
    undeclared = sorted(name for name in exported - expected if name.startswith("kiln_"))
    missing = sorted(expected - exported)
    for title, names in (("not ours", foreign), ("exported, not declared", undeclared), ("declared, not exported", missing)):
        if names:
            print(f"{title}: {' '.join(names)}")
    print(f"{library}: {len(exported)} symbols, {len(expected)} declared")
    return 1 if foreign or undeclared or missing or not exported else 0


sys.exit(main())
