#!/bin/sh
# The main job, start to end, as a program outside this tree meets it: installs Kiln into a folder, builds an
# example against it with pkg-config, and runs it in two processes; then compiles the same kernels twice with
# a compiler for real hardware.
#
#   tools/demo.sh          all files go below $BUILD/demo (BUILD=build)
set -eu

cd "$(dirname "$0")/.."
build=${BUILD:-build}
demo=$build/demo
mkdir -p "$demo"
demo=$(cd "$demo" && pwd)
prefix=$demo/prefix

fail() {
	echo "demo: $1" >&2
	exit 1
}

# Runs a step with its output in a file, shown only when it fails.
quietly() {
	log=$demo/$1.log
	shift
	"$@" >"$log" 2>&1 || { cat "$log" >&2; fail "'$*' failed; its output is above and in $log"; }
}

section() {
	printf '\n%s\n' "$1"
}

# The manifest of a driver (lvp, radeon), wherever this machine keeps such files; nothing when there is none.
manifest() {
	for folder in /usr/share/vulkan/icd.d /usr/local/share/vulkan/icd.d /etc/vulkan/icd.d; do
		for file in "$folder/$1"_icd*.json; do
			[ -f "$file" ] && echo "$file" && return
		done
	done
	return 0
}

# with_driver MANIFEST COMMAND...: only that driver, and Mesa's own cache off, or it would answer for Kiln's.
with_driver() {
	driver=$1
	shift
	env VK_DRIVER_FILES="$driver" VK_ICD_FILENAMES="$driver" RADV_FORCE_FAMILY=NAVI21 \
		MESA_SHADER_CACHE_DISABLE=true "$@"
}

# ---- Build, install, and build the example against what was installed.

echo "Building and installing below $demo ..."
[ -f "$demo/build/build.ninja" ] || quietly setup meson setup "$demo/build" --buildtype=release \
	--prefix="$prefix" --libdir=lib -Dbench=disabled -Dexamples=disabled -Dtests=disabled
quietly build ninja -C "$demo/build"
quietly install meson install -C "$demo/build" --no-rebuild

export PKG_CONFIG_PATH="$prefix/lib/pkgconfig${PKG_CONFIG_PATH:+:$PKG_CONFIG_PATH}"
flags=$(pkg-config --cflags --libs kiln stb) || fail "pkg-config does not find the Kiln just installed"
eval "set -- $flags" # words, quoted by pkg-config where a folder has a space
quietly example "${CC:-cc}" -std=c17 -D_GNU_SOURCE -O2 -o "$demo/image" \
	examples/03_image.c examples/example.c examples/picture.c "$@" -lm
kiln=$prefix/bin/kiln
# The prefix is no place that loaders search.
export LD_LIBRARY_PATH="$prefix/lib${LD_LIBRARY_PATH:+:$LD_LIBRARY_PATH}"

# ---- A fresh cache. An explicit root carries the store of tuned sizes with it.

unset KILN_AUTOTUNE KILN_AUTOTUNE_STORE KILN_CACHE KILN_CACHE_EXPECT KILN_CACHE_PACKS KILN_DEVICE KILN_LOG \
	KILN_VALIDATION
export KILN_CACHE_DIR="$demo/cache"
rm -rf "$KILN_CACHE_DIR"
(umask 077 && mkdir "$KILN_CACHE_DIR")

lavapipe=$(manifest lvp)
radv=$(manifest radeon)
[ -n "$lavapipe" ] || fail "no lavapipe driver is installed. Fix: run tools/setup.sh"

# compile MANIFEST: the kernels of the picture, installed as SPIR-V, and what happened to them as JSON.
compile() (
	cd "$prefix/share/kiln/shaders" && with_driver "$1" "$kiln" compile --json scene.spv bilateral.spv sobel.spv
)

# records MANIFEST: tuned workgroup sizes in the store's format, under the keys that Kiln gives these kernels on
# this driver. The sizes were measured on lavapipe; `scene` has none on purpose, and keeps its own.
records() {
	KILN_CACHE=off compile "$1" | python3 -c '
import json, sys

TUNED = {"bilateral": [16, 16, 1], "sobel": [64, 1, 1]}
answer = json.load(sys.stdin)
for kernel in answer["kernels"]:
    name = kernel["file"].removesuffix(".spv")
    if name in TUNED:
        print("\n[[record]]")
        print("key = \"%s\"" % kernel["tune_key"])
        print("adapter = \"%s\"" % answer["device"]["adapter"])
        print("workgroup_size = %s" % TUNED[name])
        print("unroll = 1\ntile = [0, 0, 0]")'
}

{
	printf 'schema = 1\n'
	records "$lavapipe"
	[ -z "$radv" ] || records "$radv"
} >"$KILN_CACHE_DIR/autotune.toml"

# ---- The work.

cat <<END

Each row below is a kernel becoming ready, and running:
  workgroup, from   threads per group; "store" is a tuned size from $KILN_CACHE_DIR/autotune.toml,
                    "kernel" the size the kernel was written with
  outcome           compiled, or found: on "disk" by Kiln, in this process's "memory", or by the "driver"
  why not cached    what the nearest cache entry lacked: there was none at all (empty_cache), none of this kernel
                    (program_changed), none for this device (device_or_runtime_changed), or none that holds code
                    for exactly this (key_absent)
  resolve, run      time until the kernel could be launched, and from launch to result
END

section "1. A first process on lavapipe, the driver that runs anywhere: nothing is cached, so all compiles."
with_driver "$lavapipe" "$demo/image" --output "$demo/picture.png"

section "2. A second process, with what the first one left in the cache."
with_driver "$lavapipe" "$demo/image" --output "$demo/picture.png" >"$demo/second.log" ||
	{ cat "$demo/second.log"; fail "the second process failed"; }
cat "$demo/second.log"
if grep -q ' disk ' "$demo/second.log"; then
	echo "Warm: the kernels came from the disk."
else
	echo "Not warm, and Kiln says so: what this driver gives a cache to keep has no code in it."
fi

# compile_table OUTCOME: one row per kernel from `kiln compile --json`; fails unless each has that outcome.
compile_table() {
	compile "$radv" | python3 -c '
import json, sys

def pretty(ns):
    for unit in ("ns", "us", "ms"):
        if ns < 1000:
            break
        ns /= 1000
    return "%.3g %s" % (ns, unit)

ROW = "%-11s %-10s %-8s %-9s %-25s %9s %9s"
answer = json.load(sys.stdin)
print("device     %(name)s, %(driver_name)s %(driver_info)s" % answer["device"])
print(ROW % ("kernel", "workgroup", "from", "outcome", "why not cached", "resolve", "run"))
for kernel in answer["kernels"]:
    reason = kernel["miss_reason"]
    print(ROW % (kernel["file"].removesuffix(".spv"), "x".join(map(str, kernel["workgroup"])),
                 kernel["workgroup_source"], kernel["outcome"], "-" if reason == "none" else reason,
                 pretty(kernel["resolve_ns"]), "-"))
total = sum(kernel["resolve_ns"] for kernel in answer["kernels"])
print(ROW % ("all three", "", "", "", "", pretty(total), ""))
if any(kernel["outcome"] != sys.argv[1] for kernel in answer["kernels"]):
    sys.exit("demo: every outcome should be " + sys.argv[1])' "$1"
}

if [ -n "$radv" ]; then
	section "3. The same kernels through the compiler for AMD GPUs: without the GPU it compiles, and runs nothing."
	compile_table compiled
	section "4. Another process: each comes from the disk, and the driver confirms that it used what Kiln kept."
	compile_table disk
else
	section "3. No warm second process here: RADV is not installed. Fix: install mesa-vulkan-drivers."
fi

section "The picture, as rendered, filtered, and its edges: $demo/picture.png"
