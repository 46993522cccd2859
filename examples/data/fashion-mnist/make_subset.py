#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""Makes the subset of Fashion-MNIST in this folder: the first 5,000 training and the first 1,000 test images.

usage: make_subset.py FOLDER [OUTPUT]
FOLDER holds the four full files, for example /usr/share/datasets/fashion-mnist of Debian's dataset-fashion-mnist.
The output is the same bytes whenever it is made with the same zlib: no name and no time is stored in the gzip header.
"""
import collections
import gzip
import io
import pathlib
import struct
import sys

COUNTS = {"train": 5000, "t10k": 1000}
KINDS = {"images-idx3-ubyte": 3, "labels-idx1-ubyte": 1}


def first_entries(data: bytes, rank: int, count: int) -> bytes:
    """The IDX file `data` of unsigned bytes, cut to the first `count` entries of its first axis."""
    header = 4 + 4 * rank
    if data[:4] != bytes([0, 0, 8, rank]):
        raise SystemExit(f"expected an IDX file of unsigned bytes and rank {rank}, got magic {data[:4].hex()}")
    total, *rest = struct.unpack(f">{rank}I", data[4:header])
    size = 1
    for extent in rest:
        size *= extent
    if len(data) != header + total * size or total < count:
        raise SystemExit(f"expected at least {count} entries, got {total} in {len(data)} bytes")
    return data[:4] + struct.pack(f">{rank}I", count, *rest) + data[header : header + count * size]


def main() -> None:
    if len(sys.argv) not in (2, 3):
        raise SystemExit(__doc__)
    source = pathlib.Path(sys.argv[1])
    target = pathlib.Path(sys.argv[2]) if len(sys.argv) == 3 else pathlib.Path(__file__).parent
    for part, count in COUNTS.items():
        for kind, rank in KINDS.items():
            name = f"{part}-{kind}.gz"
            subset = first_entries(gzip.decompress((source / name).read_bytes()), rank, count)
            buffer = io.BytesIO()
            with gzip.GzipFile(filename="", mode="wb", compresslevel=9, fileobj=buffer, mtime=0) as out:
                out.write(subset)
            (target / name).write_bytes(buffer.getvalue())
            print(f"{name}: {count} entries, {len(buffer.getvalue())} bytes")
            if rank == 1:
                classes = collections.Counter(subset[8:])
                print("  images of each class:", ", ".join(str(classes[label]) for label in range(10)))


if __name__ == "__main__":
    main()
