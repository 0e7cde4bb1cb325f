#!/usr/bin/env python3
"""Writes the linker version script: the exact list of functions the public headers declare.

    api.py OUT.map OUT.d CC [CC-ARGUMENT...] -- HEADER...

A wildcard would not do: BLAKE3's assembly symbols carry our prefix and cannot be hidden by visibility, and an internal
kiln_ function that lost its visibility would slip through. The headers are preprocessed, so that functions that carry
the ABI version in their symbol come out under that name.
"""
import re
import subprocess
import sys

MARK = "kiln_api_mark"


def preprocess(compiler, headers, out, depfile):
    includes = "".join(f'#include "{header}"\n' for header in headers)
    source = f"#include <kiln/export.h>\n#undef KILN_API\n#define KILN_API {MARK}\n{includes}"
    command = [*compiler, "-E", "-P", "-x", "c", "-MD", "-MF", depfile, "-MT", out, "-"]
    result = subprocess.run(command, input=source, capture_output=True, text=True)
    if result.returncode != 0:
        sys.exit(f"api.py: the public headers do not preprocess:\n{result.stderr}")
    return result.stdout


def main():
    out, depfile = sys.argv[1:3]
    split = sys.argv.index("--")
    text = preprocess(sys.argv[3:split], sys.argv[split + 1:], out, depfile)
    names = sorted(set(re.findall(MARK + r"[^;{}(]*?\b(kiln_\w+)\s*\(", text)))
    if len(names) != text.count(MARK + " "):
        sys.exit(f"api.py: {text.count(MARK + ' ')} declarations but {len(names)} names: "
                 "a declaration is repeated or is no plain function")
    with open(out, "w", encoding="ascii") as file:
        file.write("{\n\tglobal:\n")
        file.writelines(f"\t\t{name};\n" for name in names)
        file.write("\tlocal:\n\t\t*;\n};\n")


main()
