#!/bin/sh
# Runs every test suite and ends with the line "N passed, N failed".
#
#   tools/test.sh [MESON TEST ARGUMENTS]     such as --suite unit
#
# The build folder is $BUILD (build). The last line is also left in $BUILD/test-summary.txt.
set -u

cd "$(dirname "$0")/.." || exit 1
build=${BUILD:-build}
log=$build/meson-logs/testlog.json
summary=$build/test-summary.txt
rm -f "$summary" "$log"

if ! ninja -C "$build"; then
	echo "test: the build failed, so no test ran" >&2
	echo "0 passed, 1 failed" | tee "$summary"
	exit 1
fi

# What somebody set for their own programs is not for the tests, and their store is not the tests' to write.
for name in $(env | sed -n 's/^\(KILN_[A-Z_]*\)=.*/\1/p'); do
	unset "$name"
done

# Without a library they need, whole suites are left out: a build from before tools/setup.sh must not pass for all of them.
missing() {
	meson test -C "$build" --no-rebuild --list 2>/dev/null >"$build/test-list.txt"
	for suite in examples fault gpu hostile link oracle tools unit; do
		grep -q "kiln:$suite\b" "$build/test-list.txt" || printf ' %s' "$suite"
	done
}
if [ $# -eq 0 ] && [ -n "$(missing)" ]; then
	meson setup --reconfigure "$build" && ninja -C "$build"
	left=$(missing)
	if [ -n "$left" ]; then
		echo "test: the build has no suite$left. Fix: tools/setup.sh; meson setup --wipe $build" >&2
		echo "0 passed, 1 failed" | tee "$summary"
		exit 1
	fi
fi

status=0
meson test -C "$build" --no-rebuild --print-errorlogs "$@" || status=$?
python3 tools/test_report.py "$log" "$summary" || status=1
exit $status
