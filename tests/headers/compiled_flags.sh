#!/bin/sh
# SPDX-License-Identifier: MIT
# compiled_flags.sh COMPILER TAG OBJECT... LIBRARY: fails unless linking fails, with a message that names the flags in TAG.
compiler=$1 tag=$2
shift 2
out=$(mktemp -d)
trap 'rm -rf "$out"' EXIT
if errors=$(LC_ALL=C "$compiler" "$@" -pthread -o "$out/program" 2>&1); then
    echo "expected no program of a library and a unit with other flags"
    exit 1
fi
echo "$errors" | head -3
echo "$errors" | grep -q "undefined.*$tag"
