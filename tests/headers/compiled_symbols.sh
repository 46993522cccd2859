#!/bin/sh
# SPDX-License-Identifier: MIT
# compiled_symbols.sh NM OBJECT HEADER_ONLY_OBJECT: fails if the first, a unit in compiled mode, holds loops of kernels/, backward
# functions or the traversal; or if the second, the same unit without that mode, holds none, which would mean that nothing was looked at.
held() {
    "$1" -C --defined-only "$2" | grep -E 'kernels::(simd|tiled|unfolded|depthwise|detail)::|detail::BackwardOf<|detail::Traversal<'
}
if held "$1" "$2"; then
    echo "expected these in the library alone"
    exit 1
fi
echo "$(held "$1" "$3" | wc -l) in the header-only unit, none in compiled mode"
held "$1" "$3" > /dev/null
