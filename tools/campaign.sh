#!/bin/sh
# Runs the attacks on the disk cache and on dispatch at full length, and herds of processes: `make test` has the short version
# of each.
#
#   tools/campaign.sh [SEED]     the same seed for all; without it each takes a new one and prints it
#
# $CAMPAIGN_PARTS chooses among them: cache herds dispatch sanitizers fuzz (all).
#
# The build folder is $BUILD (build); $BUILD-address and $BUILD-thread are made for the sanitizers. Fuzzing takes
# $CAMPAIGN_FUZZ_SECONDS (600) in all, 0 = none. Every attack prints one line, which is also left in
# $BUILD/campaign.txt; the last line says how many failed, and how many were skipped for want of a driver.
set -u

cd "$(dirname "$0")/.." || exit 1
build=${BUILD:-build}
fuzz_seconds=${CAMPAIGN_FUZZ_SECONDS:-600}
parts=${CAMPAIGN_PARTS:-cache herds dispatch sanitizers fuzz}
seed=${1:-}
log=$build/campaign.txt
ran=0
failed=0
skipped=0

say()
{
	echo "$*" | tee -a "$log"
}

# COMMAND ...: status 77 says that something is missing, and what
run()
{
	ran=$((ran + 1))
	say "--- $*"
	begun=$(date +%s)
	"$@" >"$build/campaign-run.txt" 2>&1
	status=$?
	tee -a "$log" <"$build/campaign-run.txt"
	say "$(($(date +%s) - begun)) s"
	case $status in
	0) ;;
	77) skipped=$((skipped + 1)) ;;
	*) failed=$((failed + 1)); say "FAILED with status $status" ;;
	esac
}

skip()
{
	ran=$((ran + 1))
	skipped=$((skipped + 1))
	say "SKIPPED $1: $2"
}

# FOLDER ATTACK [COUNT]
attack()
{
	# shellcheck disable=SC2086 # no seed is no argument
	run "$1/tests/fault/test_$2" ${3:+"$3"} ${3:+$seed}
}

wants()
{
	case " $parts " in
	*" $1 "*) return 0 ;;
	*) return 1 ;;
	esac
}

# NAME: the driver's manifest, nothing where there is none
manifest_of()
{
	case $1 in
	lavapipe) pattern='lvp_icd*.json' ;;
	radv_null) pattern='radeon_icd*.json' ;;
	*) pattern='vk_swiftshader_icd*.json' ;;
	esac
	find /usr/share/vulkan/icd.d /usr/local/share/vulkan/icd.d /etc/vulkan/icd.d /usr/lib/chromium \
		-maxdepth 1 -name "$pattern" 2>/dev/null | head -n 1
}

# PROGRAM [ARGUMENT]...: under the hostile driver
hostile()
{
	manifest=$build/tests/hostile/hostile_icd.json
	program=$1
	shift
	if [ ! -x "$build/tests/hostile/$program" ]; then
		skip "$program" "it is built on 64-bit Linux only"
		return
	fi
	run env KILN_AUTOTUNE=use KILN_CACHE=rw KILN_DEVICE= KILN_VALIDATION=0 MESA_SHADER_CACHE_DISABLE=true \
		NODEVICE_SELECT=1 VK_DRIVER_FILES="$manifest" VK_ICD_FILENAMES="$manifest" \
		"$build/tests/hostile/$program" "$@"
}

# DRIVER PROGRAM [ARGUMENT]...: on a real driver, under validation
real()
{
	driver=$1
	program=$2
	shift 2
	manifest=$(manifest_of "$driver")
	if [ -z "$manifest" ]; then
		skip "$program on $driver" "no driver manifest. Fix: tools/setup.sh"
		return
	fi
	run env KILN_TEST_DRIVER="$driver" KILN_VALIDATION=1 MESA_SHADER_CACHE_DISABLE=true RADV_FORCE_FAMILY=NAVI21 \
		VK_DRIVER_FILES="$manifest" VK_ICD_FILENAMES="$manifest" "$build/tests/gpu/$program" "$@"
}

# Random programs against their model: what the driver is told, judged by the happens-before checker, and what comes out.
dispatch()
{
	# shellcheck disable=SC2086 # no seed is no argument
	{
		hostile hostile_hazards 1000 $seed
		hostile hostile_stream_attacks 20 $seed
		real lavapipe gpu_random_programs 1000 $seed
		real swiftshader gpu_random_programs 1000 $seed
	}
}

# 16 processes at once. The driver's compiles are pauses; holders of a lease are killed, or fork, or both.
herd_hostile()
{
	hostile hostile_herd "$1" "${seed:-0}"
}

# DRIVER KERNELS [big]: the same on a real driver
herd_real()
{
	manifest=$(manifest_of "$1")
	if [ -z "$manifest" ]; then
		skip "16 processes x $2 kernels on $1" "no driver manifest. Fix: tools/setup.sh"
		return
	fi
	run env KILN_TEST_DRIVER="$1" MESA_SHADER_CACHE_DISABLE=true RADV_FORCE_FAMILY=NAVI21 \
		VK_DRIVER_FILES="$manifest" VK_ICD_FILENAMES="$manifest" \
		"$build/tests/gpu/gpu_herd" "$2" "${seed:-0}" ${3:+"$3"}
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
	if ! command -v clang-14 >/dev/null; then
		skip "fuzzing $1" "no clang-14. Fix: tools/setup.sh --dev"
		return
	fi
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

[ -f "$build/build.ninja" ] || meson setup "$build" || exit 1
ninja -C "$build" || exit 1
build=$(cd "$build" && pwd) # a manifest's path must not depend on where the loader is
log=$build/campaign.txt
: >"$log"
if wants cache; then
	attack "$build" damage 4
	attack "$build" crash_states 0
	attack "$build" failing_calls 99
	attack "$build" surroundings 10
	attack "$build" threads 5000
	attack "$build" kill 2000
	# The others lie in memory where they can; here the disk is slow.
	TMPDIR=$build attack "$build" kill 300
	attack "$build" many 100000
	attack "$build" store_commits 3200
	attack "$build" store_kill 1000
	TMPDIR=$(cd "$build" && pwd) attack "$build" store_kill 1000
	attack "$build" quarantine
	attack "$build" single_flight 20
fi
if wants herds; then
	herd_hostile 50
	herd_real radv_null 50
	herd_real radv_null 50 big
	herd_real lavapipe 50
fi
if wants dispatch; then
	dispatch
fi

if wants sanitizers; then
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
fi

if wants fuzz && [ "$fuzz_seconds" -gt 0 ]; then
	for target in cache_entry cache_pack; do
		fuzz "$target" $((fuzz_seconds / 2))
	done
fi

rm -f "$build/campaign-run.txt"
say "campaign: $ran attacks, $failed failed, $skipped skipped"
[ "$failed" -eq 0 ]
