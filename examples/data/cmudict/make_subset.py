#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""Makes cmudict-20000.dict.gz from the whole dictionary: `make_subset.py cmudict.dict FOLDER`.

Of the words of 2 to 16 letters a to z, the 20,000 whose SHA-256 comes first: a sample that depends on the words alone, not on where they
stand. Each has its first pronunciation. They are written in the order of the alphabet, without remarks.
"""
import gzip
import hashlib
import io
import os
import re
import sys

COUNT = 20_000


def first_pronunciations(path):
    """Others of a word, `read(2)`, are no word of letters alone and fall out with abbreviations and clitics."""
    with open(path, encoding="utf-8") as file:
        for line in file:
            word, _, phones = line.split("#")[0].strip().partition(" ")
            if re.fullmatch("[a-z]{2,16}", word):
                yield word, phones


def main():
    if len(sys.argv) != 3:
        sys.exit(__doc__)
    source, folder = sys.argv[1:]
    known = dict(first_pronunciations(source))
    chosen = sorted(known, key=lambda word: hashlib.sha256(word.encode()).digest())[:COUNT]
    text = "".join(f"{word} {known[word]}\n" for word in sorted(chosen))
    packed = io.BytesIO()
    with gzip.GzipFile("", "wb", 9, packed, mtime=0) as file:
        file.write(text.encode())
    with open(os.path.join(folder, "cmudict-20000.dict.gz"), "wb") as file:
        file.write(packed.getvalue())


if __name__ == "__main__":
    main()
