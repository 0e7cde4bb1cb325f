#!/usr/bin/env python3
"""Checks that tools/test_report.py counts and judges a test log rightly.

usage: report.py tools/test_report.py
"""
import json
import pathlib
import subprocess
import sys
import tempfile

CMOCKA = "[==========] Running 3 test(s).\n"
GOOD_CASES = CMOCKA + "[ RUN      ] one\n[       OK ] one\n[ RUN      ] two\n[       OK ] two\n"
SKIP_CASE = GOOD_CASES + "[ RUN      ] three\nskip: no such device\n[  SKIPPED ] three\n"
FAIL_CASE = (GOOD_CASES + "[ RUN      ] three\n", "[  ERROR   ] --- 1 != 2\n[  FAILED  ] three\n"
             "[  FAILED  ] 1 test(s), listed below:\n[  FAILED  ] three\n")


def entry(name, result, stdout="", stderr=""):
    return {"name": name, "result": result, "stdout": stdout, "stderr": stderr}


CASES = (
    # (log entries, last line, exit status, a line that must appear)
    ([entry("a", "OK", GOOD_CASES), entry("b", "OK")], "3 passed, 0 failed", 0, "0 skipped"),
    ([entry("a", "OK", SKIP_CASE)], "2 passed, 0 failed", 0, "  a: three: no such device"),
    ([entry("a", "OK", SKIP_CASE.replace("skip: ", ""))], "2 passed, 0 failed", 0,
     "  a: three: gave no reason"),
    ([entry("a", "OK", SKIP_CASE.replace("skip:", "SKIP three:"))], "2 passed, 0 failed", 0,
     "  a: three: no such device"),
    ([entry("a", "OK", "skip: half of it\n" + GOOD_CASES)], "2 passed, 0 failed", 0, "  a: half of it"),
    ([entry("a", "OK", "SKIP big: too slow here\n")], "1 passed, 0 failed", 0, "  a: too slow here"),
    ([entry("a", "FAIL", *FAIL_CASE)], "2 passed, 1 failed", 1, "  a: three"),
    ([entry("a", "FAIL", GOOD_CASES)], "2 passed, 1 failed", 1, "  a: fail"),
    ([entry("a", "TIMEOUT")], "0 passed, 1 failed", 1, "  a: timeout"),
    ([entry("a", "SKIP", "skip: no GPU\n"), entry("b", "OK")], "1 passed, 0 failed", 0, "  a: no GPU"),
    ([], "0 passed, 0 failed", 1, "0 skipped"),
)


def run(report, entries):
    with tempfile.TemporaryDirectory() as folder:
        log = pathlib.Path(folder, "log.json")
        log.write_text("".join(json.dumps(one) + "\n" for one in entries), encoding="utf-8")
        summary = pathlib.Path(folder, "summary.txt")
        command = [sys.executable, report, log, summary]
        done = subprocess.run(command, capture_output=True, text=True, check=False)
        return done.returncode, done.stdout.splitlines(), summary.read_text(encoding="utf-8").strip()


def main():
    wrong = 0
    for entries, last, status, line in CASES:
        got_status, lines, summary = run(sys.argv[1], entries)
        if (got_status, lines[-1], summary) != (status, last, last) or line not in lines:
            print(f"{entries}\n  expected {status}, {last!r} and {line!r}")
            print(f"  got {got_status}, {lines}, {summary!r}")
            wrong += 1
    return 1 if wrong else 0


if __name__ == "__main__":
    sys.exit(main())
