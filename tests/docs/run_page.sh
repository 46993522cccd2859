#!/bin/sh
# SPDX-License-Identifier: MIT
# usage: run_page.sh PAGE OUT SOURCE COMPILER FLAGS LIBRARIES HEADERS
#
# Compiles and runs every fenced ```cpp block of a page.
#   - A block with `int main` is a whole program as it stands.
#   - Any other block becomes the body of main(); its #include lines are moved to the top, where what page.hpp includes and
#     `using namespace espalier;` stand already. HEADERS is a copy of page.hpp, perhaps with its precompiled form beside it.
#   - `<!-- continues -->` on its own line before a fence appends the block to the body of the block before it.
# Programs run in OUT/run, where `examples` leads to the examples and their data. Blocks in other languages are text;
# the `sh` blocks of the README's Quick start are run by .ci/run.
set -eu
page=$1 out=$2 source=$3 compiler=$4 flags=$5 libraries=$6 headers=$7

rm -rf "$out"
mkdir -p "$out/run"
ln -s "$source/examples" "$out/run/examples"

awk -v out="$out" '
    /^<!-- continues -->[ \t]*$/ { continues = 1; next }
    !inside && /^[ \t]*```cpp[ \t]*$/ {
        if (!continues || !file) file = sprintf("%s/%03d_line%d", out, ++count, NR)
        inside = 1
        continues = 0
        next
    }
    inside && /^[ \t]*```[ \t]*$/ { inside = 0; close(file ".body"); close(file ".top"); next }
    inside && /^[ \t]*#[ \t]*include/ { print >> (file ".top"); print "" >> (file ".body"); next }
    inside { print >> (file ".body"); next }
    /[^ \t]/ { continues = 0 }
    END { if (inside) { print "a code block is not closed" > "/dev/stderr"; exit 1 } }
' "$page"

passed=0
failed=0
for body in "$out"/*.body; do
    [ -e "$body" ] || continue
    program=${body%.body}
    {
        [ ! -e "$program.top" ] || cat "$program.top"
        if grep -q 'int main' "$body"; then
            before=
            cat "$body"
        else
            before="-include $headers"
            echo 'using namespace espalier;'
            echo 'int main() {'
            cat "$body"
            echo '}'
        fi
    } > "$program.cpp"
    # shellcheck disable=SC2086
    if "$compiler" -std=c++20 -O1 -Wall -Wextra -I "$source/include" $flags $before "$program.cpp" -o "$program" $libraries &&
        (cd "$out/run" && "$program"); then
        passed=$((passed + 1))
    else
        echo "failed: $page, program $(basename "$program")" >&2
        failed=$((failed + 1))
    fi
done
echo "$(basename "$page"): $passed programs passed, $failed failed"
[ "$failed" -eq 0 ]
