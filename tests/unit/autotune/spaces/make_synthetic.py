#!/usr/bin/env python3
"""Writes the synthetic spaces synthetic_*.csv: plausible, not measured. Recorded ones stand beside them as recorded_*.csv.

usage: make_synthetic.py FOLDER

One file is one kernel on one device:
    # free text
    # device cpu|integrated|discrete subgroup N default WGX,WGY,WGZ,UNROLL,TX,TY,TZ
    wgx,wgy,wgz,unroll,tx,ty,tz,ns
    64,1,1,1,0,0,0,100000
A row is a configuration that runs and its true time for one dispatch; what has no row is not valid. The shapes follow
what is known of such kernels: on a CPU driver a workgroup with barriers is best at one or two vectors and several times
slower at 64; on discrete parts occupancy falls in steps.
"""
import hashlib
import math
import pathlib
import sys


def powers(low, high):
    return [1 << i for i in range(low.bit_length() - 1, high.bit_length())]


def rough(name, config, amount):
    """A fixed deviation of each configuration, up to +- `amount`: no real space is smooth."""
    digest = hashlib.sha256(f"{name}{config}".encode()).digest()
    return 1 + amount * (int.from_bytes(digest[:4], "little") / 2**31 - 1)


def bump(value, best, width):
    return 1 + (math.log2(value / best) / width) ** 2


def cpu_barrier_reduction():
    group = dict(zip(powers(1, 1024), (2.3, 1.55, 1.17, 1.0, 1.08, 1.7, 4.7, 5.4, 5.9, 6.2, 6.4)))
    unroll = {1: 1.08, 2: 1.0, 4: 0.93, 8: 1.0}
    for x in group:
        for u in unroll:
            yield (x, 1, 1, u, 0, 0, 0), 90e3 * group[x] * unroll[u]


def cpu_stream():
    group = dict(zip(powers(1, 1024), (3.1, 1.9, 1.35, 1.12, 1.04, 1.0, 1.0, 1.0, 1.0, 1.01, 1.04)))
    unroll = {1: 1.0, 2: 0.99, 4: 0.99, 8: 1.0}
    for x in group:
        for u in unroll:
            yield (x, 1, 1, u, 0, 0, 0), 150e3 * group[x] * unroll[u]


def cpu_matmul():
    for x in powers(2, 32):
        for y in powers(2, 32):
            for u in (1, 2, 4, 8):
                size = bump(x * y, 32, 5) * bump(x / y, 2, 4)
                yield (x, y, 1, u, 0, 0, 0), 260e3 * size * (1 + 0.25 / u + 0.012 * u)


def cpu_stencil():
    for x in powers(1, 256):
        for y in powers(1, 64):
            if x * y <= 1024:
                lanes = 1 + 1.5 / x
                yield (x, y, 1, 1, 0, 0, 0), 200e3 * lanes * bump(x * y, 64, 9) * (1 + 0.04 * math.log2(y))


def discrete_reduction():
    for x in powers(16, 1024):
        for u in (1, 2, 4, 8, 16):
            yield (x, 1, 1, u, 0, 0, 0), 40e3 * bump(x, 256, 3.5) * bump(u, 4, 4)


def discrete_matmul():
    for x in (8, 16, 32):
        for y in (4, 8, 16, 32):
            for tile in (8, 16, 32, 64):
                for u in (1, 2, 4, 8):
                    threads, shared = x * y, tile * tile * 8
                    if threads > 1024 or tile % 8:
                        continue
                    groups = min(16, 49152 // shared, 2048 // threads, 65536 // (threads * (24 + 6 * u)))
                    if groups == 0:
                        continue
                    busy = min(1.0, groups * threads / 1024)
                    reuse = 1 + 8 / tile
                    yield (x, y, 1, u, tile, tile, 1), 300e3 * reuse / busy**0.7 * (1 + 0.2 / u)


def discrete_occupancy():
    for x in range(32, 1025, 32):
        for u in (1, 2, 4):
            groups = min(16, 2048 // x, 65536 // (x * (30 + 8 * u)))
            busy = groups * x / 2048
            yield (x, 1, 1, u, 0, 0, 0), 60e3 / max(busy, 0.05) ** 0.5 * (1 + 0.15 / u)


def integrated_scan():
    for x in powers(16, 512):
        for u in (1, 2, 4, 8):
            for tile in (1, 2, 4):
                spill = 1.0 if u * tile <= 8 else 1.6
                yield (x, 1, 1, u, tile, 1, 1), 120e3 * bump(x, 128, 4.5) * (1 + 0.3 / u) * (1 + 0.1 / tile) * spill


def integrated_spill():
    for x in powers(32, 256):
        for u in (1, 2, 3, 4, 6, 8, 12, 16):
            for tile in (4, 8, 16):
                registers = 16 + u * tile
                spill = 1 if registers <= 96 else 1 + (registers - 96) / 64
                yield (x, 1, 1, u, tile, tile, 1), 180e3 * (1 + 0.8 / u) * (1 + 2.0 / tile) * spill * bump(x, 64, 6)


def cpu_settled():
    """The default is the best there is."""
    for x in powers(1, 256):
        for u in (1, 2, 4, 8):
            yield (x, 1, 1, u, 0, 0, 0), 110e3 * bump(x, 16, 4) * bump(u, 1, 6)


SPACES = {
    "cpu_barrier_reduction": ("cpu subgroup 8 default 64,1,1,1,0,0,0", 0.02),
    "cpu_matmul": ("cpu subgroup 8 default 16,16,1,1,0,0,0", 0.03),
    "cpu_settled": ("cpu subgroup 8 default 16,1,1,1,0,0,0", 0.01),
    "cpu_stencil": ("cpu subgroup 8 default 8,8,1,1,0,0,0", 0.02),
    "cpu_stream": ("cpu subgroup 8 default 64,1,1,1,0,0,0", 0.004),
    "discrete_matmul": ("discrete subgroup 32 default 16,16,1,1,16,16,1", 0.03),
    "discrete_occupancy": ("discrete subgroup 32 default 64,1,1,1,0,0,0", 0.01),
    "discrete_reduction": ("discrete subgroup 32 default 64,1,1,1,0,0,0", 0.02),
    "integrated_scan": ("integrated subgroup 16 default 256,1,1,1,1,1,1", 0.02),
    "integrated_spill": ("integrated subgroup 32 default 64,1,1,1,8,8,1", 0.01),
}


def main():
    for name, (header, roughness) in SPACES.items():
        lines = ["# Synthetic, made by make_synthetic.py; no device was measured.", f"# device {header}",
                 "wgx,wgy,wgz,unroll,tx,ty,tz,ns"]
        for config, ns in globals()[name]():
            lines.append(",".join(map(str, config)) + f",{ns * rough(name, config, roughness):.0f}")
        pathlib.Path(sys.argv[1], f"synthetic_{name}.csv").write_text("\n".join(lines) + "\n", encoding="ascii")


if __name__ == "__main__":
    main()
