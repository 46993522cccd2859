#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""Makes census-income-30000.gz from a half of the whole: `make_subset.py census-income.test.gz FOLDER`.

The 30,000 lines whose numbers' SHA-256 comes first, as they are and in the order they stand in.
"""
import gzip
import hashlib
import io
import os
import sys

COUNT = 30_000


def main():
    if len(sys.argv) != 3:
        sys.exit(__doc__)
    source, folder = sys.argv[1:]
    with (gzip.open if source.endswith(".gz") else open)(source, "rb") as file:
        lines = file.readlines()
    chosen = sorted(range(len(lines)), key=lambda number: hashlib.sha256(str(number).encode()).digest())[:COUNT]
    packed = io.BytesIO()
    with gzip.GzipFile("", "wb", 9, packed, mtime=0) as file:
        file.writelines(lines[number] for number in sorted(chosen))
    with open(os.path.join(folder, "census-income-30000.gz"), "wb") as file:
        file.write(packed.getvalue())


if __name__ == "__main__":
    main()
