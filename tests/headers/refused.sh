#!/bin/sh
# SPDX-License-Identifier: MIT
# usage: refused.sh COMPILER SOURCE INCLUDE_FOLDER...
# The first case of the source compiles; of each other one the compiler says the sentence that stands behind "refused:".
compiler=$1 source=$2
shift 2
for folder; do
    set -- "$@" -I "$folder"
    shift
done
case=0
compile_case() {
    number=$1
    shift
    LC_ALL=C "$compiler" -std=c++20 -fsyntax-only "-DCASE=$number" "$@" "$source" 2>&1
}
errors=$(compile_case 0 "$@") || { echo "expected case 0 to compile, got: $errors"; exit 1; }
while sentence=$(sed -n "s/.*CASE == $((case + 1)) .*refused: //p" "$source") && [ -n "$sentence" ]; do
    case=$((case + 1))
    if errors=$(compile_case $case "$@"); then
        echo "expected case $case not to compile"
        exit 1
    fi
    if ! echo "$errors" | grep -qF "$sentence"; then
        echo "expected '$sentence' for case $case, got: $errors"
        exit 1
    fi
done
[ $case -ge 4 ] || { echo "expected at least 4 cases, got $case"; exit 1; }
