#!/usr/bin/env python3
"""An independent implementation of cache/FORMAT.md, BLAKE3 included, in plain Python. It makes the golden files.

usage: make_golden.py [--check] [FOLDER]

Writes every golden file into FOLDER (default: beside this program), or with --check compares those that are there.
"""
import argparse
import pathlib
import struct
import sys

# ---- BLAKE3, after section 2 of its paper ----

IV = (0x6A09E667, 0xBB67AE85, 0x3C6EF372, 0xA54FF53A, 0x510E527F, 0x9B05688C, 0x1F83D9AB, 0x5BE0CD19)
PERMUTATION = (2, 6, 3, 10, 7, 0, 4, 13, 1, 11, 12, 5, 9, 14, 15, 8)
CHUNK_START, CHUNK_END, PARENT, ROOT, KEYED_HASH, DERIVE_KEY_CONTEXT, DERIVE_KEY_MATERIAL = (1 << i for i in range(7))
QUARTERS = ((0, 4, 8, 12), (1, 5, 9, 13), (2, 6, 10, 14), (3, 7, 11, 15),
            (0, 5, 10, 15), (1, 6, 11, 12), (2, 7, 8, 13), (3, 4, 9, 14))


def rotate(word, bits):
    return (word >> bits | word << (32 - bits)) & 0xFFFFFFFF


def compress(cv, block, counter, length, flags):
    """The first eight words of the output: a chaining value, or the digest."""
    words = list(struct.unpack("<16I", block.ljust(64, b"\0")))
    v = list(cv) + list(IV[:4]) + [counter & 0xFFFFFFFF, counter >> 32, length, flags]
    for _ in range(7):
        for i, (a, b, c, d) in enumerate(QUARTERS):
            for word, first, second in ((words[2 * i], 16, 12), (words[2 * i + 1], 8, 7)):
                v[a] = (v[a] + v[b] + word) & 0xFFFFFFFF
                v[d] = rotate(v[d] ^ v[a], first)
                v[c] = (v[c] + v[d]) & 0xFFFFFFFF
                v[b] = rotate(v[b] ^ v[c], second)
        words = [words[i] for i in PERMUTATION]
    return [v[i] ^ v[i + 8] for i in range(8)]


def chunk(data, counter, key, flags):
    """What compresses the last block of a chunk, as arguments: whether it is the root is not known here."""
    cv = key
    blocks = [data[at:at + 64] for at in range(0, len(data), 64)] or [b""]
    for i, block in enumerate(blocks):
        bits = flags | (CHUNK_START if i == 0 else 0) | (CHUNK_END if i == len(blocks) - 1 else 0)
        if i == len(blocks) - 1:
            return cv, block, counter, len(block), bits
        cv = compress(cv, block, counter, 64, bits)
    raise AssertionError


def tree(data, counter, key, flags):
    if len(data) <= 1024:
        return chunk(data, counter, key, flags)
    left = 1024
    while 2 * left < len(data):
        left *= 2
    children = [compress(*tree(data[:left], counter, key, flags)),
                compress(*tree(data[left:], counter + left // 1024, key, flags))]
    return key, b"".join(struct.pack("<8I", *child) for child in children), 0, 64, flags | PARENT


def digest_in_mode(data, key, flags):
    cv, block, counter, length, bits = tree(data, 0, key, flags)
    return struct.pack("<8I", *compress(cv, block, counter, length, bits | ROOT))


def blake3(data):
    return digest_in_mode(data, IV, 0)


def keyed(key, data):
    return digest_in_mode(data, struct.unpack("<8I", key), KEYED_HASH)


def derived(context, data):
    key = digest_in_mode(context.encode(), IV, DERIVE_KEY_CONTEXT)
    return digest_in_mode(data, struct.unpack("<8I", key), DERIVE_KEY_MATERIAL)


# ---- FORMAT.md ----

def u32(value):
    return struct.pack("<I", value)


def u64(value):
    return struct.pack("<Q", value)


def string(text):
    data = text.encode() if isinstance(text, str) else text
    return u32(len(data)) + data


def under(domain, *fields):
    return string(domain) + b"".join(fields)


class Secret:
    """The keys made of a secret, and their name."""

    def __init__(self, secret):
        self.key = blake3(under("kiln cache secret v1", secret))
        self.id = blake3(under("kiln cache secret id v1", self.key))[:8]

    def seal(self, version, what, data):
        if version == 1:
            return keyed(self.key, under(f"kiln cache {what} v1", data))
        return keyed(derived(f"kiln 2026-11 cache {what} key v2", self.key), data)


def seal(version, what, data, secret):
    if secret:
        return secret.seal(version, what, data)
    if version == 1:
        return blake3(under(f"kiln cache {what} v1", data))
    return derived(f"kiln 2026-11 cache {what} v2", data)


def entry(version, kind, subject, payload, flags=0, compile_ns=59000000, created_s=1777680000, secret=None):
    data = b"\x89KILN\r\n\x1a" + struct.pack(
        "<IIIIHHIQq16sQQ", version, 1, kind, flags, 0, 1 if secret else 0, len(subject), compile_ns, created_s, b"0.1.0",
        len(payload), len(payload))
    data += (secret.id if secret else b"") + subject + payload
    return data + seal(version, "entry", data, secret)


def pack(version, records, secret=None):
    """`records` are (kind, name, entry) in the order in which the entries are to lie."""
    header = b"\x89KPACK\r\n" + u32(version) + u32(0)
    body, lines = b"", []
    for kind, name, data in records:
        lines.append((kind, name.ljust(48, b"\0"), u64(len(header) + len(body)), u32(len(data))))
        body += data
    index = b"".join(u32(line[0]) + b"".join(line[1:]) for line in sorted(lines))
    trailer = u64(len(header) + len(body)) + u32(len(lines)) + u32(1 if secret else 0)
    trailer += secret.id if secret else bytes(8)
    sealed = (header if version == 1 else b"") + index + trailer
    return header + body + index + trailer + seal(version, "pack", sealed, secret) + b"KPACKEND"


# ---- What the tests put in: fixture.c, test_cache_entry.c, test_secret.c ----

def sample_policy():
    policy = u32(1) + string("vulkan") + string("saxpy") + blake3(b"layout") + u32(8) + u32(64) + u32(2) + u32(1)
    policy += u32(2) + u32(0) + u32(4) + u64(64) + u32(7) + u32(8) + u64(0x0123456789ABCDEF)
    return policy + u32(32) + u32(1) + u32(4) + u32(0x22)


def sample_fingerprint():
    driver = blake3(under("kiln driver from parts v1", string("Mesa 22.3.6"), string("kiln 0.1.0")))
    return u32(0x10005) + u32(1) + driver


def sample_name(program):
    policy = blake3(under("kiln policy v1", sample_policy()))
    device = blake3(under("kiln device fingerprint v1", sample_fingerprint()))
    return program[:16] + policy[:16] + device[:16]


def content_key(payload):
    return blake3(under("kiln content key v1", u32(4), u32(1), string("vulkan"), string("glslang 12"), string("spv1.5"),
                        u32(4), u32(2), u64(len(payload)), payload))


def golden(version):
    secret = Secret(b"correct horse battery staple\n")
    source = b"void main(){}"
    program = blake3(u32(1))
    content = entry(version, 2, content_key(source), source, compile_ns=1234567890123, created_s=-1)
    pipeline = entry(version, 1, program + sample_policy() + sample_fingerprint(),
                     bytes(i * 7 & 255 for i in range(300)), flags=1)
    sealed = entry(version, 2, blake3(b"content"), b"spir-v words", secret=secret)
    files = {
        "content": content,
        "pack": pack(version, [(2, content_key(source), content), (1, sample_name(program), pipeline)]),
        "pipeline": pipeline,
        "sealed": sealed,
    }
    if version > 1:
        files["pack_sealed"] = pack(version, [(2, blake3(b"content"), sealed)], secret)
    return {f"{name}_v{version}.bin": data for name, data in files.items()}


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("folder", nargs="?", type=pathlib.Path, default=pathlib.Path(__file__).parent)
    parser.add_argument("--check", action="store_true", help="compare instead of writing")
    args = parser.parse_args()
    wrong = 0
    for version in (1, 2):
        for name, data in golden(version).items():
            path = args.folder / name
            if not args.check:
                path.write_bytes(data)
            elif path.read_bytes() != data:
                print(f"{path} has other bytes than FORMAT.md says", file=sys.stderr)
                wrong += 1
    return 1 if wrong else 0


if __name__ == "__main__":
    sys.exit(main())
