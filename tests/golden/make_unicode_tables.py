#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""Writes include/espalier/text/unicode_tables.hpp and tests/golden/unicode.json from Python's unicodedata. Python 3.13 has Unicode 15.1."""

import json
import pathlib
import unicodedata

here = pathlib.Path(__file__).resolve().parent
characters = [c for c in range(0x110000) if not 0xD800 <= c < 0xE000]


def kind(code):
    category = unicodedata.category(chr(code))
    if category[0] in "LNP":
        return 1 + "LNP".index(category[0])
    return 4 if category == "Mn" else 5 if category in ("Cc", "Cf", "Co") else 0


def runs(value):
    """(first, last, value) of neighbours of one value that is not 0."""
    result = []
    for code in characters:
        v = value(code)
        if v and result and result[-1][1] == code - 1 and result[-1][2] == v:
            result[-1][1] = code
        elif v:
            result.append([code, code, v])
    return result


def lower_case():
    """(first, count, step, difference): letters at equal distances whose lower case lies as far off for all."""
    result = []
    for code in characters:
        low = chr(code).lower()
        if low == chr(code) or len(low) != 1:  # only U+0130 becomes two
            continue
        difference = ord(low) - code
        if result:
            first, count, step, same = result[-1]
            gap = code - (first + (count - 1) * step)
            if same == difference and (gap == step or (count == 1 and gap <= 2)):
                result[-1] = (first, count + 1, gap, same)
                continue
        result.append((code, 1, 1, difference))
    return result


def decompositions():
    result = []
    for code in characters:
        parts = unicodedata.decomposition(chr(code))
        if parts and parts[0] != "<":  # a compatibility decomposition
            result.append((code, *([int(p, 16) for p in parts.split()] + [0])[:2]))
    return result


def flat(rows):
    """The first of each row as the distance from that of the row before."""
    numbers = []
    before = 0
    for row in rows:
        numbers += [row[0] - before, *row[1:]]
        before = row[0]
    return numbers


def array(name, comment, numbers):
    lines, line = [], "   "
    for number in numbers:
        if len(line) + len(str(number)) + 2 > 138:
            lines.append(line)
            line = "   "
        line += f" {number},"
    lines.append(line)
    text = "\n".join(lines).replace(", ", ",")
    return f"/// {comment}\ninline constexpr std::int32_t {name}[] = {{\n{text}\n}};\n"


tables = "\n".join(
    [
        array("kind_runs", "Distance from the start of the run before, length, kind.", flat([(a, b - a + 1, k) for a, b, k in runs(kind)])),
        array("combining_runs", "Distance, length, canonical combining class.",
              flat([(a, b - a + 1, v) for a, b, v in runs(lambda c: unicodedata.combining(chr(c)))])),
        array("lower_case_runs", "Distance, length, step, distance of the lower case.", flat(lower_case())),
        array("decompositions", "Distance, first and second part, or 0 if there is one alone.", flat(decompositions())),
    ]
)
(here / "../../include/espalier/text/unicode_tables.hpp").resolve().write_text(f"""\
// SPDX-License-Identifier: MIT
/// @file Unicode {unicodedata.unidata_version}: what tests/golden/make_unicode_tables.py makes of Python's unicodedata. `text/unicode.hpp` reads it.
#pragma once

#include <espalier/core/config.hpp>

#include <cstdint>

namespace espalier::inline ESPALIER_ABI::text::detail {{

// clang-format off
{tables}// clang-format on

}}  // namespace espalier::inline ESPALIER_ABI::text::detail
""")


def fnv(numbers):
    result = 0xCBF29CE484222325
    for number in numbers:
        result = (result ^ number) * 0x100000001B3 % 2**64
    return result


# Every character once, in the order of a permutation so that marks of many classes meet; 1,114,112 is 2^16 * 17, and prime to 7919.
mixed = [c for c in ((i * 7919 + 13) % 0x110000 for i in range(0x110000)) if not 0xD800 <= c < 0xE000]
marks = [c for c in characters if unicodedata.combining(chr(c))]
mixed_marks = [marks[i * 7919 % len(marks)] for i in range(len(marks))]
golden = {
    "version": unicodedata.unidata_version,
    "kinds": str(fnv(kind(c) for c in characters)),
    "lower_case": str(fnv(ord(x) for c in characters for x in chr(c).lower())),
    "nfd": str(fnv(ord(x) for x in unicodedata.normalize("NFD", "".join(map(chr, mixed))))),
    "nfd_of_marks": str(fnv(ord(x) for x in unicodedata.normalize("NFD", "".join(map(chr, mixed_marks))))),
}
(here / "unicode.json").write_text(json.dumps(golden, indent=1) + "\n")
