"""The store against Python's tomllib: both accept and refuse the same texts, read the same records, and a save changes
nothing that tomllib can see but the record that was put.

Usage: against_tomllib.py STORE_PROBE
"""
import datetime
import math
import os
import random
import subprocess
import sys
import tempfile

import tricky_toml

try:
    import tomllib
except ImportError:
    print("python3 has no tomllib (it came with 3.11)")
    sys.exit(77)

SEED = 20260502
VALID = 150
MUTANTS = 800

KEY = "11223300000000000000000000000000"
PUT = {"key": KEY, "adapter": "a", "workgroup_size": [8, 4, 2], "unroll": 3, "tile": [1, 2, 3],
       "recorded_at": "2001-02-03", "bucket": 9, "rounds": 20, "ratio_default": 0.75, "status": "default",
       "bad": ["hung 1x1x1", 'wrong "2x1x1"']}
OWN = ("key", "adapter", "workgroup_size", "unroll", "tile", "recorded_at", "driver")
FACTS = ("bucket", "rounds", "ratio_default", "status", "bad")  # ours where they have our shape
STATUSES = ("tuned", "default", "provisional")


# ---- Making texts ----

class Maker:
    def __init__(self, seed):
        self.random = random.Random(seed)
        self.serial = 0

    def name(self):
        self.serial += 1
        return self.random.choice(["k%d", "\"q %d\"", "'l.%d'", "K-%d_", "\"\\u00e9%d\"", "%d"]) % self.serial

    def key(self):
        return self.random.choice([" . ", "."]).join(self.name() for _ in range(self.random.choice([1, 1, 1, 2, 3])))

    def scalar(self):
        r = self.random
        return r.choice([
            lambda: str(r.randint(-2**63, 2**63 - 1)),
            lambda: r.choice(["0", "+1", "-0", "1_000", "0xdead_BEEF", "0o755", "0b1010"]),
            lambda: repr(r.uniform(-1e10, 1e10)),
            lambda: r.choice(["1e9", "-0.0", "6.626e-34", "1_0.5", "inf", "-inf", "nan", "5e-324",
                              "0.1000000000000000055511151231257827", "+1.5E+3"]),
            lambda: r.choice(["true", "false"]),
            lambda: r.choice(["1979-05-27", "1979-05-27T07:32:00Z", "1979-05-27 00:32:00.999999-07:00", "07:32:00",
                              "00:32:00.5", "1979-05-27t07:32:00z", "2000-02-29", "1979-05-27T07:32:00"]),
            lambda: r.choice(['""', '"plain"', r'"\"[[record]]\" # \\ \t \u00e9 \U0001F600"', "'raw \\ \"'", "''",
                              '"""\n[[record]]\nunroll = 1 # "" \\\n   x"""', "'''\n[[record]]\n''''", '"""a"""""',
                              '"\u00e9\u2122"', "'\t'"]),
        ])()

    def one_line(self):
        while "\n" in (text := self.scalar()):
            pass
        return text

    def space(self):
        return self.random.choice(["", " ", "\t", "\n", " # c ] } , \"\n", "\r\n"])

    def array(self, depth):
        s = self.space
        items = [s() + self.value(depth + 1) + s() for _ in range(self.random.randint(0, 3))]
        return "[" + ",".join(items) + (self.random.choice(["", ","]) if items else s()) + s() + "]"

    def inline_table(self, depth):
        b = self.random.choice(["", " "])
        pairs = [b + self.key() + b + "=" + b + self.value(depth + 1) + b for _ in range(self.random.randint(0, 3))]
        return "{" + ",".join(pairs) + "}"

    def value(self, depth=0):
        kind = self.random.random()
        if depth < 4 and kind < 0.15:
            return self.array(depth)
        if depth < 4 and kind < 0.3:
            return self.inline_table(depth)
        return self.scalar()

    def statement(self, text=None):
        return ((text or self.key() + self.random.choice(["=", " = "]) + self.value())
                + self.random.choice(["", "", " # trailing"]) + "\n")

    def noise(self):
        return self.random.choice(["", "", "", "\n", "# comment [[record]]\n", "\n\n# apart\n\n", "  \t\n"])

    def fields(self, key):
        r = self.random
        three = lambda low: [r.randint(low, 64) for _ in range(3)]
        sep = r.choice([", ", ",", " ,\n ", ", # c\n"])
        array = lambda v: r.choice(["[%s]", "[ %s ]", "[\n%s,\n]"]) % sep.join(map(str, v))
        out = ['key = "%s"' % key, "adapter = " + r.choice(['"a"', "'b'", '"\\u0063"']),
               "workgroup_size = " + array(three(1)), '"unroll" = %d' % r.randint(1, 9),
               "tile=" + array(r.choice([[0, 0, 0], three(1)]))]
        if r.random() < 0.7:
            out.append("recorded_at = " + r.choice(['"2026-05-02"', "2026-05-02"]))
        if r.random() < 0.3:
            out.append("'driver' = \"Mesa 22\"")
        for name, ours, other in (
                ("bucket", ["0", "7", "96", "0x10"], ["-1", "97", "\"large\"", "7.0"]),
                ("rounds", ["0", "30", "2147483648"], ["2147483649", "[1]", "true"]),
                ("ratio_default", ["0.8312", "1", "0", "83120e-5", "1.00004", "3.2e4"], ["-0.5", "nan", "1e6", "\"1\""]),
                ("status", ["\"tuned\"", "\"default\"", "'provisional'", "\"later\""], ["1", "{ a = 1 }", "[]"]),
                ("bad", ["[]", "[ \"hung 1x1x1\", \"b\" ]", "['wrong 4x4x1', '%s', 'x', 'x']" % ("y" * 200)],
                 ["1", "[ '' ]", "[ \"\\u00e9\" ]", "['%s']" % ("y" * 201), "[ 1 ]", "\"hung\"", "[ \"a\", 1 ]"])):
            kind = r.random()
            if kind < 0.3:
                out.append(name + " = " + r.choice(ours if kind < 0.2 else other))
        return out

    def record_key(self):
        return self.random.choice([KEY, "%032x" % self.random.randint(1, 3), "%032x" % self.random.getrandbits(128)])

    def record(self):
        r = self.random
        lines = self.fields(self.record_key()) + [None] * r.randint(0, 3)
        r.shuffle(lines)
        out = self.noise() + r.choice(["[[record]]", "[[ record ]] # c", "[['record']]", "  [[\"record\"]]"]) + "\n"
        for line in lines:
            out += self.noise() + self.statement(line)
        for _ in range(r.choice([0, 0, 1, 2])):
            name = self.name()
            out += r.choice(["[record.%s]\n", "[[record.%s]]\n", "[record . %s.deep]\n"]) % name
            out += "".join(self.statement() for _ in range(r.randint(0, 2)))
        return out

    def table(self):
        return self.noise() + self.random.choice(["[%s]\n", "[[%s]]\n", "[ %s ] # c\n"]) % self.key() + "".join(
            self.statement() for _ in range(self.random.randint(0, 3)))

    def inline_records(self):
        records = ["{" + ", ".join(" ".join(f.split("\n")).replace("# c", "") for f in self.fields(self.record_key()))
                   + ", " + self.key() + " = " + self.one_line() + "}"
                   for _ in range(self.random.randint(0, 3))]
        return "record = [" + ",".join(self.space() + r for r in records) + self.space() + "]\n"

    def document(self):
        r = self.random
        self.serial = 0
        top = [self.noise() + self.statement() for _ in range(r.randint(0, 3))]
        if r.random() < 0.7:
            top.append("schema = %d\n" % r.choice([0, 1, 1]))
        inline = r.random() < 0.15
        if inline:
            top.append(self.inline_records())
        r.shuffle(top)
        rest = [self.table() for _ in range(r.randint(0, 3))]
        if not inline:
            rest += [self.record() for _ in range(r.randint(0, 5))]
        r.shuffle(rest)
        text = r.choice(["", "", "\ufeff"]) + "".join(top + rest)
        return text if r.random() < 0.8 else text.rstrip("\n")


    def canonical(self):
        """As Kiln writes it: read the short way, which the mutants of it must be kept from."""
        r = self.random
        out = "schema = 1\n"
        for _ in range(r.randint(0, 4)):
            lines = ['key = "%s"' % self.record_key(), 'adapter = "%s"' % r.choice("ab"),
                     "workgroup_size = [%d, 2, 1]" % r.choice([1, 64, 2**31]), "unroll = %d" % r.randint(1, 9),
                     r.choice(["tile = [0, 0, 0]", "tile = [16, 8, 1]"]), 'recorded_at = "2026-05-02"',
                     'driver = "Mesa 22 (LLVM 15)"', "bucket = 21", "rounds = 30", "ratio_default = 0.8312",
                     'status = "%s"' % r.choice(STATUSES), 'bad = [\n  "hung 1x1x1",\n  "wrong 2x1x1 #7=2",\n]']
            out += "\n" + r.choice(["", "# by hand\n"]) + "[[record]]\n" + "".join(
                line + "\n" for i, line in enumerate(lines) if i < 5 or r.random() < 0.7)
        return out


def mutate(rng, text):
    at = rng.randrange(len(text) + 1)
    kind = rng.randrange(5)
    if kind == 0:
        return text[:at] + text[at + rng.randint(1, 4):]
    if kind == 1:
        return text[:at] + rng.choice("[]{}=.,#\"'\\\n\r\t -+_:eETZ019axu\x00\x01\x7f\u00e9") + text[at:]
    if kind == 2:
        return text[:at] + rng.choice("[]{}=.,#\"'\\\n\r\t -+_:eETZ019axu\x00\x01\x7f\u00e9") + text[at + 1:]
    if kind == 3:
        return text[:at]
    lines = text.split("\n")
    at = rng.randrange(len(lines))
    return "\n".join(lines[:at] + lines[rng.randrange(len(lines)):][:1] + lines[at:])


# ---- Judging ----

def plain(value):
    """With NaN equal to NaN, 1 unequal to 1.0 and to True."""
    if isinstance(value, dict):
        return {k: plain(v) for k, v in value.items()}
    if isinstance(value, list):
        return [plain(v) for v in value]
    if isinstance(value, float):
        return ("float", "nan" if math.isnan(value) else value.hex())
    return (type(value).__name__, value)


def parse(text):
    """None when tomllib refuses. It wants no byte order mark; TOML lets one be skipped."""
    try:
        return tomllib.loads(text.removeprefix("\ufeff"))
    except (tomllib.TOMLDecodeError, RecursionError):
        return None


def date_text(value):
    if isinstance(value, datetime.datetime):
        return value.date().isoformat()
    return value.isoformat() if isinstance(value, datetime.date) else value


def is_three(value, low):
    return (isinstance(value, list) and len(value) == 3
            and all(type(v) is int and low <= v <= 2**31 for v in value))


def is_text(value):
    return isinstance(value, str) and value != "" and "\0" not in value


def is_record(r):
    """The shape of a record, said a second time."""
    return (isinstance(r, dict) and is_text(r.get("key")) and len(r["key"]) == 32
            and all(c in "0123456789abcdef" for c in r["key"]) and is_text(r.get("adapter"))
            and is_three(r.get("workgroup_size"), 1) and type(r.get("unroll")) is int and 1 <= r["unroll"] <= 2**31
            and (is_three(r.get("tile"), 1) or plain(r.get("tile")) == plain([0, 0, 0]))
            and ("recorded_at" not in r or is_text(date_text(r["recorded_at"])))
            and ("driver" not in r or is_text(r["driver"])))


def expected_status(document):
    if document is None:
        return "KILN_ERR_TOML_SYNTAX"
    schema = document.get("schema", 1)
    if type(schema) is not int:
        return "KILN_ERR_TOML_TYPE"
    if not 0 <= schema <= 1:
        return "KILN_ERR_TOML_SCHEMA"
    records = document.get("record", [])
    if not isinstance(records, list) or not all(is_record(r) for r in records):
        return "KILN_ERR_TOML_TYPE"
    return "KILN_OK"


def in_order(records):
    last = {(r["key"], r["adapter"].encode()): r for r in records}
    return [last[k] for k in sorted(last)]


def is_number(value, most):
    return type(value) is int and 0 <= value <= most


def is_line(value):
    return isinstance(value, str) and 0 < len(value) <= 200 and all(" " <= c <= "~" for c in value)


def bad_lines(value):
    return list(dict.fromkeys(value))[:64]


def facts(r):
    """Those of the optional fields that have our shape, as they read."""
    out = {}
    if is_number(r.get("bucket"), 96):
        out["bucket"] = r["bucket"]
    if is_number(r.get("rounds"), 2**31):
        out["rounds"] = r["rounds"]
    ratio = r.get("ratio_default")
    if type(ratio) in (int, float) and 0 <= ratio <= 1e5:
        out["ratio_default"] = math.floor(ratio * 10000 + 0.5)
    if isinstance(r.get("status"), str):
        out["status"] = STATUSES.index(r["status"]) + 1 if r["status"] in STATUSES else 0
    if isinstance(r.get("bad"), list) and all(map(is_line, r["bad"])):
        out["bad"] = bad_lines(r["bad"])
    return out


def record_line(r):
    hexed = lambda v: "-" if v is None else v.encode().hex()
    f = facts(r)
    numbers = [*r["workgroup_size"], r["unroll"], *r["tile"],
               *(f.get(n, 0) for n in ("bucket", "rounds", "ratio_default", "status"))]
    return " ".join([r["key"], *map(str, numbers), hexed("\n".join(f.get("bad", [])) or None),
                     hexed(r["adapter"]), hexed(date_text(r.get("recorded_at"))),
                     hexed(r.get("driver"))])


def known(text):
    """What toml++ 3.3 and tomllib judge differently, and why that is no harm: numbers that no 64-bit integer or double
    can hold. TOML wants the first refused and leaves the second open; toml++ refuses both, tomllib takes both."""
    found = []

    def look(literal):
        value = float(literal)
        digits = literal.lower().split("e")[0]
        if (math.isinf(value) and "inf" not in literal) or (value == 0 and any(c in "123456789" for c in digits)):
            found.append("float out of range")
        return value

    def walk(value):
        if isinstance(value, dict):
            value = list(value.values())
        if isinstance(value, list):
            for v in value:
                walk(v)
        elif type(value) is int and not -2**63 <= value < 2**63:
            found.append("integer out of range")

    try:
        walk(tomllib.loads(text.removeprefix("\ufeff"), parse_float=look))
    except tomllib.TOMLDecodeError:
        return None
    return found[0] if found else None


def put_into(records):
    old = next((r for r in in_order(records) if (r["key"], r["adapter"]) == (KEY, "a")), {})
    ours = facts(old)
    new = {k: v for k, v in old.items() if k not in OWN and k not in ours}
    new |= {k: v for k, v in PUT.items() if k not in new}
    if "bad" in new and "bad" not in old or "bad" in ours:
        new["bad"] = bad_lines(PUT["bad"] + ours.get("bad", []))
    return in_order(records + [new])


def probe(program, paths, *options):
    result = subprocess.run([program, *options], input="\n".join(paths) + "\n", capture_output=True, text=True,
                            check=True)
    lines = result.stdout.split("\n")[:-1]
    assert len(lines) == len(paths), (len(lines), len(paths))
    return [line.split("\t") for line in lines]


def main():
    maker = Maker(SEED)
    valid = [maker.document() for _ in range(VALID)]
    plain_texts = [maker.canonical() for _ in range(VALID)]
    valid += plain_texts
    texts = valid + tricky_toml.TEXTS + [mutate(maker.random, maker.random.choice(valid)) for _ in range(MUTANTS)] + [
        mutate(maker.random, maker.random.choice(plain_texts)) for _ in range(MUTANTS)]
    failures, deviations, counts = [], {}, {}
    with tempfile.TemporaryDirectory() as folder:
        paths = [os.path.join(folder, "%05d.toml" % i) for i in range(len(texts))]
        for path, text in zip(paths, texts):
            with open(path, "w", encoding="utf-8", newline="") as file:
                file.write(text)
        before = probe(sys.argv[1], paths)
        documents = [parse(text) for text in texts]
        accepted = []
        for i, (text, document, seen) in enumerate(zip(texts, documents, before)):
            status = expected_status(document)
            counts[status] = counts.get(status, 0) + 1
            if i < len(valid) and status != "KILN_OK":
                failures.append(("a text meant to be valid is not", text, seen))
            if seen[0] != status:
                what = known(text)
                deviations[what] = deviations.get(what, 0) + 1
                if what is None:
                    failures.append(("tomllib says " + status, text, seen))
            elif status == "KILN_OK":
                lines = [record_line(r) for r in in_order(document.get("record", []))]
                if seen[1:] != lines:
                    failures.append(("records differ: " + repr(lines), text, seen))
                accepted.append(i)
        accepted = accepted[:len(valid) + 100]
        after = probe(sys.argv[1], [paths[i] for i in accepted], "--put")
        for i, seen in zip(accepted, after):
            with open(paths[i], encoding="utf-8", newline="") as file:
                text = file.read()
            document, wanted = parse(text), dict(documents[i])
            wanted["record"] = put_into(wanted.get("record", []))
            wanted.setdefault("schema", 1)
            for record in wanted["record"] + (document or {}).get("record", []):
                if "recorded_at" in record:  # a date becomes a string when `record = [...]` becomes [[record]]
                    record["recorded_at"] = date_text(record["recorded_at"])
            if seen[0] != "KILN_OK" or document is None or plain(document) != plain(wanted):
                failures.append(("the save changed more than it should: " + text, texts[i], seen))
            elif [(r["key"], r["adapter"]) for r in document["record"]] != [
                    (r["key"], r["adapter"]) for r in wanted["record"]]:
                failures.append(("the save did not sort: " + text, texts[i], seen))
    print(len(texts), "texts:", counts, "rewritten:", len(accepted), "known deviations:", deviations)
    for what, text, seen in failures[:20]:
        print("----", what, "\n", seen, "\n", repr(text))
    print(len(failures), "failures")
    return 1 if failures or len(accepted) < len(valid) else 0


if __name__ == "__main__":
    sys.exit(main())
