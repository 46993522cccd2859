#!/bin/sh
# SPDX-License-Identifier: MIT
# same_bits.sh PROGRAM: fails unless it prints the same with AVX2 and AVX-512, on 1, 2 and 4 threads. 77, skipped, where the
# processor has not both.
expected=$(ESPALIER_ISA=avx512 ESPALIER_NUM_THREADS=1 "$1" 2> /dev/null) || exit 77
for isa in avx2 avx512; do
    for threads in 1 2 4; do
        got=$(ESPALIER_ISA=$isa ESPALIER_NUM_THREADS=$threads "$1")
        echo "$isa, $threads threads: $got"
        [ "$got" = "$expected" ] || { echo "expected $expected"; exit 1; }
    done
done
