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

status=0
meson test -C "$build" --no-rebuild --print-errorlogs "$@" || status=$?
python3 tools/test_report.py "$log" "$summary" || status=1
exit $status
