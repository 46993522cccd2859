#!/bin/sh
# SPDX-License-Identifier: MIT
# usage: run.sh COMPILER PREFIX. Builds the consumer from what pkg-config says, and nothing else. 77: no pkg-config.
set -eu
compiler=$1 prefix=$2
here=$(cd "$(dirname "$0")" && pwd)
command -v pkg-config > /dev/null || exit 77
PKG_CONFIG_PATH=$prefix/share/pkgconfig
export PKG_CONFIG_PATH
pkg-config --exists --print-errors 'espalier >= 0.1'

# Eigen's own headers warn; its directory is a system one here, ours is not.
flags=$(pkg-config --cflags espalier | sed 's/-I\([^ ]*eigen3\)/-isystem \1/')
out=$(mktemp -d)
trap 'rm -rf "$out"' EXIT
# shellcheck disable=SC2046,SC2086
"$compiler" -std=c++20 -O1 -Wall -Wextra -Wpedantic -Wconversion -Wshadow -Werror $flags "$here/../main.cpp" \
    -o "$out/consumer" $(pkg-config --libs espalier)
"$out/consumer"
