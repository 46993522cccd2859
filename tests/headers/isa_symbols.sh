#!/bin/sh
# SPDX-License-Identifier: MIT
# isa_symbols.sh OBJDUMP OBJECT: fails if a function uses registers that only AVX (ymm) or AVX-512 (zmm) has, and is not one of
# a namespace for these; and if there are no such functions, which would mean that nothing was looked at.
"$1" -d --no-show-raw-insn -C "$2" | awk '
    /^[0-9a-f]+ <.*>:$/ { name = $0; sub(/^[0-9a-f]+ </, "", name) }
    /%ymm/ && name !~ /kernels::simd::avx(2|512)::/ { bad[name] }
    /%zmm/ && name !~ /kernels::simd::avx512::/ { bad[name] }
    /%ymm/ && name ~ /kernels::simd::avx2::/ { ++avx2 }
    /%zmm/ { ++avx512 }
    END {
        for (name in bad) { print "expected no AVX outside of its namespace, got it in " name; ++count }
        print avx2 + 0 " instructions with ymm in avx2, " avx512 + 0 " with zmm in avx512"
        exit !(avx2 > 0 && avx512 > 0 && count == 0)
    }'
