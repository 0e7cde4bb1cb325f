"""Reads and writes PNG with the standard library alone, so that the check shares no code with what it checks.

A picture is (width, height, rows); a row is a list of (red, green, blue), 0 to 255.
"""
import struct
import zlib

SIGNATURE = b"\x89PNG\r\n\x1a\n"


def write(path, picture):
    width, height, rows = picture
    raw = b"".join(b"\0" + bytes(value for pixel in row for value in pixel) for row in rows)
    with open(path, "wb") as file:
        file.write(SIGNATURE)
        file.write(chunk(b"IHDR", struct.pack(">IIBBBBB", width, height, 8, 2, 0, 0, 0)))
        file.write(chunk(b"IDAT", zlib.compress(raw)))
        file.write(chunk(b"IEND", b""))


def chunk(kind, data):
    return struct.pack(">I", len(data)) + kind + data + struct.pack(">I", zlib.crc32(kind + data))


def chunks(data):
    assert data.startswith(SIGNATURE), "not a PNG file"
    at = len(SIGNATURE)
    while at < len(data):
        length, kind = struct.unpack_from(">I4s", data, at)
        body = data[at + 8:at + 8 + length]
        (check,) = struct.unpack_from(">I", data, at + 8 + length)
        assert check == zlib.crc32(kind + body), f"the checksum of {kind} is wrong"
        yield kind, body
        at += 12 + length


def paeth(a, b, c):
    p = a + b - c
    return min((abs(p - a), 0, a), (abs(p - b), 1, b), (abs(p - c), 2, c))[2]


def unfilter(kind, line, above, step):
    for i in range(len(line)):
        left = line[i - step] if i >= step else 0
        up = above[i]
        corner = above[i - step] if i >= step else 0
        predicted = (0, left, up, (left + up) // 2, paeth(left, up, corner))[kind]
        line[i] = (line[i] + predicted) & 255


def read(path):
    with open(path, "rb") as file:
        parts = list(chunks(file.read()))
    assert parts[0][0] == b"IHDR" and parts[-1][0] == b"IEND", "chunks are missing"
    width, height, depth, colour, *rest = struct.unpack(">IIBBBBB", parts[0][1])
    assert depth == 8 and colour in (2, 6) and rest == [0, 0, 0], "only plain 8-bit RGB and RGBA are read here"
    step = 3 if colour == 2 else 4
    raw = zlib.decompress(b"".join(body for kind, body in parts if kind == b"IDAT"))
    stride = width * step + 1
    assert len(raw) == height * stride, "the picture's data has the wrong length"
    rows, above = [], bytearray(width * step)
    for y in range(height):
        line = bytearray(raw[y * stride + 1:(y + 1) * stride])
        unfilter(raw[y * stride], line, above, step)
        if step == 4:
            assert all(alpha == 255 for alpha in line[3::4]), "a pixel is not opaque"
        rows.append([tuple(line[x:x + 3]) for x in range(0, width * step, step)])
        above = line
    return width, height, rows


def crop(picture, x, y, width, height):
    return width, height, [row[x:x + width] for row in picture[2][y:y + height]]
