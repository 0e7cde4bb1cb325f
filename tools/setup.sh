#!/bin/sh
# Installs the Debian packages Kiln needs, and only those that are missing.
#
#   tools/setup.sh            build, test and demo packages
#   tools/setup.sh --dev      also what fuzzing and sanitizers need (clang)
#   tools/setup.sh --list     print the list and what is missing; install nothing
#
# Nothing missing: succeeds at once, as any user. Something missing and not root:
# tries `sudo -n`, else says the one command to run.
set -eu

build="gcc g++ make meson ninja-build pkg-config binutils libvulkan-dev libvulkan-volk-dev
  librust-blake3-dev libtomlplusplus-dev libcjson-dev libstb-dev glslang-dev glslang-tools spirv-headers
  spirv-tools"
run="libvulkan1 mesa-vulkan-drivers chromium-common"
test="libcmocka-dev vulkan-validationlayers libspirv-cross-c-shared-dev python3"
dev="clang-14 libclang-rt-14-dev clang-format-14 strace"

want="$build $run $test"
list=no
for arg in "$@"; do
	case $arg in
	--dev) want="$want $dev" ;;
	--list) list=yes ;;
	*) echo "setup: unknown option '$arg'. Fix: use --dev, --list, or nothing" >&2; exit 2 ;;
	esac
done

if ! command -v dpkg-query >/dev/null || ! command -v apt-get >/dev/null; then
	echo "setup: this is not a Debian system, so nothing is installed here." >&2
	echo "Fix: install the equivalents of: $(echo $want)" >&2
	exit 0
fi

missing=
for package in $want; do
	state=$(dpkg-query -W -f '${db:Status-Status}' "$package" 2>/dev/null || true)
	[ "$state" = installed ] || missing="$missing $package"
done

if [ $list = yes ]; then
	echo "wanted:" $want
	echo "missing:" ${missing:-nothing}
	exit 0
fi
[ -n "$missing" ] || exit 0

as_root=
if [ "$(id -u)" -ne 0 ]; then
	if command -v sudo >/dev/null && sudo -n true 2>/dev/null; then
		as_root="sudo -n"
	else
		echo "setup: missing packages:$missing" >&2
		echo "Fix: run as root: apt-get install --no-install-recommends$missing" >&2
		exit 1
	fi
fi

echo "setup: installing:$missing"
export DEBIAN_FRONTEND=noninteractive
apt="$as_root env DEBIAN_FRONTEND=noninteractive apt-get -o DPkg::Lock::Timeout=300 -q"
install() { $apt install -y --no-install-recommends $missing; }
# Fresh machines have no package lists and stale ones name packages that moved on:
# one refresh is the fix for both.
install || { $apt update && install; }
