#!/usr/bin/env python3
"""Counts the tests of one `meson test` run and prints every skip with its reason.

usage: test_report.py testlog.json summary.txt

A cmocka program counts with each of its tests, any other program as one test. A test that skips prints why
before it does, on a line "skip: REASON" or "SKIP NAME: REASON"; what skips without saying why is shown as such.
Such a line outside any skipped test is a skip of its own: nothing is left out silently.
"""
import json
import re
import sys

GROUP = re.compile(r"^\[==========\]")
CASE = re.compile(r"^\[\s*(OK|FAILED|SKIPPED|ERROR)\s*\] ([A-Za-z_][A-Za-z0-9_]*)$")
RUN = re.compile(r"^\[ RUN +\] ([A-Za-z_][A-Za-z0-9_]*)$")
REASON = re.compile(r"^\s*skip(?:ped)?(?: [^:]+)?: *(.+)$", re.IGNORECASE)
GOOD = {"OK", "EXPECTEDFAIL"}


class Counts:
    def __init__(self):
        self.passed = 0
        self.failed = []
        self.skipped = []


def count_cases(program, lines, counts):
    """The tests inside one cmocka program. Returns the number of tests seen."""
    seen = {}
    reason = None
    reasons = {}
    loose = []
    for line in lines:
        line = line.strip()
        if RUN.match(line):
            reason = None
        if found := REASON.match(line):
            loose.append(reason := found.group(1))
        if found := CASE.match(line):
            kind, case = found.groups()
            # A failure is listed again at the end, and wins over anything said before.
            if kind in ("FAILED", "ERROR") or case not in seen:
                seen[case] = kind
            if kind == "SKIPPED" and case not in reasons:
                reasons[case] = reason
            if reason in loose:
                loose.remove(reason)
    counts.skipped += [(program, reason) for reason in loose]
    for case, kind in seen.items():
        name = f"{program}: {case}"
        if kind == "OK":
            counts.passed += 1
        elif kind == "SKIPPED":
            counts.skipped.append((name, reasons.get(case)))
        else:
            counts.failed.append(name)
    return len(seen)


def count_program(entry, counts):
    name = entry["name"]
    result = entry["result"]
    lines = (entry.get("stdout", "") + "\n" + entry.get("stderr", "")).splitlines()
    failed_before = len(counts.failed)
    cases = 0
    if any(GROUP.match(line) for line in lines):
        cases = count_cases(name, lines, counts)
    if cases == 0 and result in GOOD | {"SKIP"}:
        reasons = [found.group(1) for line in lines if (found := REASON.match(line))]
        counts.skipped += [(name, reason) for reason in reasons]
        if result == "SKIP" and not reasons:
            counts.skipped.append((name, None))
    if result in GOOD:
        counts.passed += cases == 0
    elif result == "SKIP":
        pass
    elif len(counts.failed) == failed_before:
        # Crashed, timed out, or not a cmocka program: no test inside can be blamed.
        counts.failed.append(f"{name}: {result.lower()}")


def main():
    counts = Counts()
    try:
        with open(sys.argv[1], encoding="utf-8", errors="replace") as log:
            for line in log:
                count_program(json.loads(line), counts)
    except FileNotFoundError:
        counts.failed.append("no test log: meson test did not run")
    if counts.skipped:
        print("\nskipped:")
    for name, reason in counts.skipped:
        print(f"  {name}: {reason or 'gave no reason'}")
    if counts.failed:
        print("\nfailed:")
    for name in counts.failed:
        print(f"  {name}")
    print(f"\n{len(counts.skipped)} skipped")
    last = f"{counts.passed} passed, {len(counts.failed)} failed"
    with open(sys.argv[2], "w", encoding="utf-8") as summary:
        print(last, file=summary)
    print(last)
    return 1 if counts.failed or counts.passed == 0 else 0


if __name__ == "__main__":
    sys.exit(main())
