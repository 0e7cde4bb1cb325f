#!/bin/sh
# Makes the static library: all tiers linked into one object whose only global symbols are the public API.
#
#   prelink.sh OUT.a API.map OBJCOPY AR NM CC [CC-ARGUMENT...] -- TIER.a...
#
# Why not a plain archive of the objects: it would carry volk's and BLAKE3's symbols into the application, which then
# does not link beside its own volk, or crashes beside libvulkan, because Kiln's function pointers and the loader's
# functions have the same names.
set -eu

out=$1 map=$2 objcopy=$3 ar=$4 nm=$5
shift 5
cc=
while [ "$1" != -- ]; do
	cc="$cc $1"
	shift
done
shift

object=${out%/*}/kiln.o
keep=$out.keep
trap 'rm -f "$object" "$keep"' EXIT
sed -n '/global:/,/local:/s/^[[:space:]]*\(kiln_[A-Za-z0-9_]*\);$/\1/p' "$map" >"$keep"

# The C++ file brings COMDAT groups. Kept as groups, the final link could throw ours away in favour of an application's
# copy, although our symbols are local by then: --force-group-allocation turns them into ordinary sections.
$cc -r -nostdlib -o "$object" -Wl,--force-group-allocation -Wl,--whole-archive "$@"

# objcopy does not make unique symbols (static members of C++ templates) local, but it does make them weak, and weak
# ones local.
$objcopy --wildcard --weaken-symbol='_Z*' "$object"
$objcopy --keep-global-symbols="$keep" "$object"

# A name that slipped through must stop the build here, not an application's link.
stray=$($nm --defined-only --extern-only "$object" | awk 'NF == 3 { print $3 }' | grep -vxFf "$keep" || true)
if [ -n "$stray" ]; then
	echo "prelink: the static library would define foreign symbols:" $stray >&2
	echo "Fix: hide them, or localise them in $0" >&2
	exit 1
fi

rm -f "$out"
$ar crsD "$out" "$object"
