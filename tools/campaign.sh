#!/bin/sh
# Runs the attacks on the disk cache at full length: `make test` has the short version of each.
#
#   tools/campaign.sh [SEED]     the same seed for all; without it each takes a new one and prints it
#
# The build folder is $BUILD (build); $BUILD-address and $BUILD-thread are made for the sanitizers. Fuzzing takes
# $CAMPAIGN_FUZZ_SECONDS (600) in all, 0 = none. Every attack prints one line, which is also left in
# $BUILD/campaign.txt; the last line says how many failed.
set -u

cd "$(dirname "$0")/.." || exit 1
build=${BUILD:-build}
fuzz_seconds=${CAMPAIGN_FUZZ_SECONDS:-600}
seed=${1:-}
log=$build/campaign.txt
ran=0
failed=0

say()
{
	echo "$*" | tee -a "$log"
}

# FOLDER ATTACK [COUNT]
attack()
{
	program=$1/tests/fault/test_$2
	ran=$((ran + 1))
	say "--- $program ${3:-}"
	# shellcheck disable=SC2086 # no seed is no argument
	"$program" ${3:+"$3"} ${3:+$seed} >"$build/campaign-run.txt" 2>&1
	status=$?
	tee -a "$log" <"$build/campaign-run.txt"
	[ $status -eq 0 ] || { failed=$((failed + 1)); say "FAILED with status $status"; }
}

# FOLDER SANITIZER ATTACKS: only what is needed is built.
sanitized_build()
{
	folder=$1
	sanitizer=$2
	shift 2
	[ -f "$folder/build.ninja" ] || meson setup "$folder" -Db_sanitize="$sanitizer" -Db_lundef=false \
		-Dbench=disabled -Dexamples=disabled -Dtools=disabled >/dev/null || return 1
	for name in "$@"; do
		echo "tests/fault/test_$name"
	done | xargs ninja -C "$folder" >/dev/null
}

cannot_build()
{
	ran=$((ran + 1))
	failed=$((failed + 1))
	say "FAILED: $1 cannot be built"
}

fuzz()
{
	ran=$((ran + 1))
	say "--- fuzzing $1 for $2 s"
	if tools/fuzz.sh "$1" "$2" >"$build/campaign-run.txt" 2>&1; then
		grep 'number_of_executed_units' "$build/campaign-run.txt" | tee -a "$log"
	else
		failed=$((failed + 1))
		tail -n 30 "$build/campaign-run.txt" | tee -a "$log"
		say "FAILED"
	fi
}

ninja -C "$build" || exit 1
: >"$log"
attack "$build" damage 4
attack "$build" crash_states 0
attack "$build" failing_calls 99
attack "$build" surroundings 10
attack "$build" threads 5000
attack "$build" kill 2000
# The others lie in memory where they can; here the disk is slow.
TMPDIR=$(cd "$build" && pwd) attack "$build" kill 300
attack "$build" many 100000
attack "$build" quarantine
attack "$build" single_flight

if sanitized_build "$build-address" address,undefined damage failing_calls kill surroundings crash_states; then
	attack "$build-address" damage 1
	attack "$build-address" crash_states 300
	attack "$build-address" failing_calls 5
	attack "$build-address" surroundings 1
	attack "$build-address" kill 200
else
	cannot_build "the build for the address sanitizer"
fi
if sanitized_build "$build-thread" thread threads kill; then
	attack "$build-thread" threads 2000
	attack "$build-thread" kill 100
else
	cannot_build "the build for the thread sanitizer"
fi

if [ "$fuzz_seconds" -gt 0 ]; then
	for target in cache_entry cache_pack; do
		fuzz "$target" $((fuzz_seconds / 2))
	done
fi

rm -f "$build/campaign-run.txt"
say "campaign: $ran attacks, $failed failed"
[ "$failed" -eq 0 ]
