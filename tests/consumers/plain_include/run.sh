#!/bin/sh
# SPDX-License-Identifier: MIT
# usage: run.sh COMPILER INCLUDE EIGEN PROGRAM. Builds and runs a program with two include directories and no build
# system. 77: there is no such compiler.
set -eu
compiler=$1 include=$2 eigen=$3 program=$4
here=$(cd "$(dirname "$0")" && pwd)
command -v "$compiler" > /dev/null || exit 77

out=$(mktemp -d)
trap 'rm -rf "$out"' EXIT
"$compiler" -O2 -std=c++20 -Wall -Wextra -Wpedantic -Wconversion -Wshadow -Werror \
    -I "$include" -isystem "$eigen" "$here/../$program" -o "$out/program"
"$out/program"
