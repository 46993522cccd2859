#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""usage: function_length.py LINES FOLDER...

Fails if a function in the headers of the folders has more lines, from its signature to its closing brace; those of the lambdas in
it are its own. Braces are counted, so that no compiler and no index of symbols need be there.
"""
import pathlib
import re
import sys

SCOPE = re.compile(r"^(?:template\s*<.*>\s*)?(?:inline\s+)?(?:namespace|struct|class|union|enum|extern)\b")
BODY = re.compile(r"(?:[)}]|\b(?:const|noexcept|override|final|mutable))$|->[^;{}]*$")  # what stands before the brace of a body
NAME = re.compile(r"(operator\s*(?:\(\)|[^\s\w(]+)|[\w~]+)\s*\(")


def blanked(text):
    """The text without comments, literals and the preprocessor's lines; each character that is left stands where it stood."""
    def blank(match):
        return re.sub(r"[^\n]", " ", match.group())
    return re.sub(r'//[^\n]*|/\*.*?\*/|"(?:\\.|[^"\\\n])*"|(?<!\w)\'(?:\\.|[^\'\\\n])\'|^[ \t]*#(?:[^\n]*\\\n)*[^\n]*', blank, text,
                  flags=re.DOTALL | re.MULTILINE)


def matching(text, at):
    """The place of the brace that closes the one at `at`."""
    depth = 0
    for i in range(at, len(text)):
        depth += (text[i] == "{") - (text[i] == "}")
        if depth == 0:
            return i
    raise SystemExit(f"expected a brace that closes the one at character {at}")


def functions(text):
    """(name, line, lines) of each function with a body."""
    text = blanked(text)
    found = []
    start = at = 0
    while at < len(text):
        if text[at] in ";}":
            start = at + 1
        elif text[at] == "{":
            head = text[start:at].strip()
            flat = " ".join(head.split())
            end = matching(text, at)
            if SCOPE.match(flat) and not (BODY.search(flat) and "(" in flat):
                start = at + 1
            elif "(" in flat and BODY.search(flat):
                begin = text.index(head, start)
                line = text.count("\n", 0, begin) + 1
                name = NAME.search(flat)
                found.append((name.group(1) if name else flat, line, text.count("\n", begin, end) + 1))
                at, start = end, end + 1
            else:
                at = end  # an initialiser
        elif re.match(r"(?:public|private|protected)\s*:(?!:)", text[at:at + 12]):
            start = at = text.index(":", at) + 1
            continue
        at += 1
    return found


SAMPLE = """
namespace a::inline B {
struct S {
    int x = {3};
    /// {
    S(int n) noexcept
        : x{n}, y{[] { return '{'; }()} {
        f([&] {
            return "}";
        });
    }
    [[nodiscard]] auto get() const -> int { return x; }

private:
    template <class T>
    void operator()(T t) {
    }
};
#define M { \\
    {
inline const Table table{f(1)};
}
"""
assert functions(SAMPLE) == [("S", 6, 6), ("get", 12, 1), ("operator()", 15, 3)], functions(SAMPLE)


def main(most, folders):
    headers = [path for folder in folders for path in sorted(pathlib.Path(folder).rglob("*.?pp"))]
    lengths = [(lines, f"{path}:{line}", name) for path in headers for name, line, lines in functions(path.read_text())]
    assert len(lengths) > 10 * len(folders), f"expected more than {len(lengths)} functions"
    too_long = sorted(entry for entry in lengths if entry[0] > most)
    for lines, place, name in too_long:
        print(f"{place}: expected at most {most} lines, got {lines} in {name}")
    return 1 if too_long else 0


sys.exit(main(int(sys.argv[1]), sys.argv[2:]))
