#!/bin/sh
# SPDX-License-Identifier: MIT
# shared_symbols.sh OBJDUMP OBJECT: fails if a function of Eigen uses AVX in a unit that was compiled for it, unless its name
# carries the library's inline namespace: a unit compiled without has one of the same name, and the linker keeps any of them. Also
# if there are no functions with AVX at all, which would mean that nothing was looked at.
"$1" -d --no-show-raw-insn -C "$2" | awk '
    /^[0-9a-f]+ <.*>:$/ { name = $0; sub(/^[0-9a-f]+ </, "", name) }
    /%[yz]mm|[ \t]v[a-z0-9]+ / { if (name ~ /v0_1_avx512/) ++tagged; else if (name ~ /Eigen::/) bad[name] }
    END {
        for (name in bad) { print "expected no AVX in a function that others share, got it in " name; ++count }
        print tagged + 0 " instructions of AVX in functions of the library"
        exit !(tagged > 0 && count == 0)
    }'
