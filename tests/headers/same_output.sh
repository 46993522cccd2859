#!/bin/sh
# SPDX-License-Identifier: MIT
# same_output.sh PROGRAM OTHER: fails unless both end well and print the same.
got=$("$1") || exit 1
expected=$("$2") || exit 1
echo "$got"
[ -n "$got" ] && [ "$got" = "$expected" ] || { echo "expected $expected"; exit 1; }
