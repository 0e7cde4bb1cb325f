#!/usr/bin/env python3
"""Writes a kernel's SPIR-V as a C header: embed.py NAME SOURCE.comp CODE.spv OUT.h

The comment at the head of the source, which says what to bind and push, becomes the header's.
"""
import array
import itertools
import sys

HEADER = """\
/* {source}, compiled at build time: include, and create it with KILN_SHADER({name}).
 *
{comment}
 */
#ifndef KILN_SHADERS_{upper}_H
#define KILN_SHADERS_{upper}_H

#include <stdbool.h>
#include <stdint.h>

static const uint32_t kiln_shader_{name}[{count}] = {{
{words}
}};

#ifndef KILN_SHADER
/* What struct kiln_kernel_params needs to know of a kernel:
 *   kiln_kernel_create(device, &(struct kiln_kernel_params){{ KILN_SHADER({name}) }}, &kernel); */
#define KILN_SHADER(shader) \\
	.spirv = kiln_shader_##shader, .spirv_bytes = sizeof kiln_shader_##shader, .name = #shader, .guarded = true
#endif

#endif
"""


def leading_comment(path):
    with open(path, encoding="utf-8") as file:
        lines = itertools.takewhile(lambda line: line.startswith("//"), file)
        return "\n".join(" * " + line[2:].strip() for line in lines).replace("*/", "* /")


def read_words(path):
    words = array.array("I")
    with open(path, "rb") as file:
        words.frombytes(file.read())
    if not words or words[0] != 0x07230203:
        sys.exit(f"embed: {path} is not SPIR-V of this machine's byte order")
    return words


def main():
    name, source, code, out = sys.argv[1:]
    words = read_words(code)
    rows = (words[i:i + 8] for i in range(0, len(words), 8))
    text = HEADER.format(
        comment=leading_comment(source),
        count=len(words),
        name=name,
        source=name + ".comp",
        upper=name.upper(),
        words="\n".join("\t" + " ".join(f"0x{word:08x}," for word in row) for row in rows),
    )
    with open(out, "w", encoding="utf-8") as file:
        file.write(text)


if __name__ == "__main__":
    main()
