#!/bin/sh
# Fuzzes one target with libFuzzer under the address and undefined sanitizers.
#
#   tools/fuzz.sh NAME [SECONDS]     a target of tests/fuzz; 60 seconds unless told
#
# New inputs stay in build-fuzz/corpus-NAME; what fails is written to build-fuzz/NAME-*. For a fixed crash,
# copy that file to tests/fuzz/corpus/NAME/ under a name that says what it is.
set -eu

[ $# -ge 1 ] || { echo "usage: tools/fuzz.sh NAME [SECONDS]" >&2; exit 2; }
name=$1
seconds=${2:-60}
cd "$(dirname "$0")/.."
corpus=tests/fuzz/corpus/$name
build=${KILN_FUZZ_BUILD:-build-fuzz}
[ -f "tests/fuzz/$name.c" ] || { echo "fuzz: no target tests/fuzz/$name.c" >&2; exit 2; }

[ -f "$build/build.ninja" ] || CC=clang-14 CXX=clang++-14 meson setup "$build" -Dfuzz=enabled \
	-Db_sanitize=address,undefined -Db_lundef=false \
	-Dc_args=-fsanitize=fuzzer-no-link -Dcpp_args=-fsanitize=fuzzer-no-link
ninja -C "$build" "tests/fuzz/fuzz_$name"
mkdir -p "$build/corpus-$name"
exec env UBSAN_OPTIONS=halt_on_error=1:print_stacktrace=1 "$build/tests/fuzz/fuzz_$name" \
	-max_total_time="$seconds" -artifact_prefix="$build/$name-" -print_final_stats=1 \
	"$build/corpus-$name" "$corpus"
