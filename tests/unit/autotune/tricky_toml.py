"""Short texts that parsers like to disagree about: what may be defined twice, extended, left out or written how."""

TEXTS = [
    # Tables and dotted keys, defined again or extended.
    "[a.b]\n[a]", "[a]\n[a.b]\n[a]", "[a.b]\n[a]\nb.c = 1", "[a]\nb.c = 1\n[a.b]", "[a]\nb.c = 1\n[a.b.d]",
    "[a]\nb.c = 1\n[a.d]", "a.b = 1\n[a]", "a.b = 1\n[a.c]", "a.b = 1\na.c = 2", "a.b = 1\na.b.c = 2",
    "a.b.c = 1\na.b = 2", "a = {}\na.b = 1", "a = {}\n[a.b]", "a = {b = {}}\na.b.c = 1", "a = []\n[[a]]",
    "a = [{}]\n[a.b]", "[[a]]\n[a]", "[a]\n[[a]]", "[[a]]\n[a.b]\n[[a]]\n[a.b]", "[[a]]\n[a.b]\n[a.b]",
    "[[a.b]]\n[a]\n[[a.b]]", "[a.b]\n[[a]]", "[[a.b]]\n[[a]]", "[a]\n[a.b]\n[[a.b]]", "[x.y.z.w]\n[x]",
    "[x]\ny.z = 1\n[x.y.w]", "a.b.c = 1\n[a.b]", "a.b.c = 1\n[a]\nb.d = 1", "[a.b.c]\n[a]\nb.d = 1",
    "[a.b.c]\nd = 1\n[a]\nb.c.e = 1", "[[a]]\nb.c = 1\n[a.b]", "[[a]]\nb.c = 1\n[[a]]\nb.c = 2",
    "a = {b.c = 1, b.d = 2}", "a = {b.c = 1, b = 2}", "a = {b = {c = 1}, b.d = 2}", 'a = { b = 1, "b" = 2 }',
    "[a]\nb = 1\n[a.b]", "[a]\nb = {}\n[a.b.c]", "a = [[1]]\n[a]", "[a.b]\nc = 1\n[a.b.c]", "[[a]]\n[[a.b]]\n[[a]]\n[[a.b]]",
    # Keys.
    'a = 1\n"a" = 2', "'a' = 1\n\"\\u0061\" = 2", '"" = 1', "\"\" = 1\n'' = 2", '[""]', 'a."" = 1', "1.2 = 3\n1.3 = 4",
    "1979-05-27 = 1", "true = 1", "- = 1\n_ = 2", "a.\nb = 1", "a\n= 1", "a =\n1", "a b = 1", "a . b = 1", "'''a''' = 1",
    "[ a . 'b' ]", "[a.b.]", "[a,b]", "[a=1]", "[=]", "[#]", "[[a]\n]", "[a\n]", "[[]]", "[[a]] # c", "[a]#c", "[a]b = 1",
    "[ [a] ]", "[[a] ]", "\u00e9 = 1", "\u00a0a = 1", "[\u00e9]", "[a.\u00e9]", "a = \u00e9", "a = 1 \u00e9", "a\u00a0= 1", "a =\u00a01", "a = 1\u2028",
    # Dates and times.
    "a = 1979-05-27 07:32:00", "a = 1979-05-27  07:32:00", "a = 1979-05-27 # d", "a = 1979-05-27 x", "a = 1979-05-27 ",
    "a = 0001-01-01", "a = 1979-05-27T07:32:00.1234567890123", "a = 1979-05-27T24:00:00", "a = 1979-05-27T07:32:60",
    "a = 1979-05-27T07:32:00+24:00", "a = 1979-05-27T07:32:00-00:00", "a = 07:32:00Z", "a = 1979-05-27T07:32Z",
    "a = 1_979-05-27", "a = +1979-05-27", "a = 1979-05-27T07:32:00.", "a = 1979-05-27T07:32:00+0700", "a = 7:32:00",
    # Numbers.
    "a = 0xFFFFFFFFFFFFFFFF", "a = 0x7FFFFFFFFFFFFFFF", "a = 0X1", "a = 0O7", "a = 0B1", "a = 00", "a = +00", "a = -01",
    "a = 0_0", "a = 1_e1", "a = 1e_1", "a = 1e0_1", "a = 1e01", "a = 00.1", "a = 0e0", "a = +0.0", "a = -.1",
    "a = +inf\nb = -nan", "a = infinity", "a = + 1", "a = 1e+", "a = 0x_1", "a = 0x1_", "a = 1e400", "a = 1e-400",
    "a = 9223372036854775808", "a = -9223372036854775808", "a = 1.0_0", "a = 1._0", "a = 1.e0", "a = 0x1.8p1", "a = 1f",
    # Arrays and inline tables.
    'a = [1, "a", [2.0], {}]', "a = [ # c\n]", "a = [1,\n# c\n]", "a = {\n}", "a = {b = [\n1\n]}", "a = { # c\n}",
    "a = [1]]", "a = {b = 1}}", "a = [1 # c\n, 2]", "a = {b = 1, }", "a = {, b = 1}", "a = [\r\n1\r\n]",
    # Strings.
    r'a = "\b\t\n\f\r\"\\"', r'a = "\e"', r'a = "\/"', r'a = "\u00e"', r'a = "\uD7FF\uE000"', r'a = "\uDFFF"',
    r'a = "\U0010FFFF"', 'a = "a\tb"', 'a = """\\\n   \\\n   b"""', 'a = """\\ b"""', 'a = """a \\   \t\n b"""',
    'a = ' + '"' * 10, 'a = ' + '"' * 8, 'a = ' + '"' * 9, 'a = ' + "'" * 8, 'a = ' + "'" * 9, "a = ''' ' '' '''",
    'a = """\\""""', 'a = "\n"', "a = '\n'", 'a = """\r\n\r\n"""', 'a = """\r"""', "a = 'x' 'y'", 'a = "\u0080"',
    'a = "\ufeff"', 'a = """\\\r\n x"""', "a = '''\x00'''", 'a = "\\\n"', 'a = """a\\"""', "a = '''\n'''\n",
    # Lines and comments.
    "a = 1\r\nb = 2\r\n", "a = 1\r\r\n", "\ra = 1", "# c\r\n", "# c\rd", "# \t", "# \x7f", "a = 1 # \ufeff", "a = 1, b = 2",
    "a = 1;b = 2", "a = yes", "a = null", "a = truefalse", "a = true#c", "a = 1#c", "", "\n", "\r\n", "\t", "#", "\ufeff",
    "\ufeff\ufeff",
    # Ours.
    "[record]", "record = {}", "record = [1]", "schema.x = 1", "schema = 1.0", "schema = 2", "[[schema]]", "record.a = 1",
    "[record.a]", "[[record.a]]", "record = [{}]", "record = [[]]",
]
