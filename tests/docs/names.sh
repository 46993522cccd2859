#!/bin/sh
# SPDX-License-Identifier: MIT
# Writes docs/names.md, the page of all public names, from the headers; with --check it compares instead, and fails if the
# page is not what the headers say, or a public name has no comment. Usage: names.sh ROOT [--check]
set -eu
root=$1
page=$root/docs/names.md
made=$(mktemp)
trap 'rm -f "$made"' EXIT

# For each name that stands at the start of a line outside of a detail namespace: room, name, header, first sentence of its
# comment. The layout of the headers makes that enough: what is within something else is indented.
list() {
    cd "$root/include/espalier"
    find . -name '*.hpp' -path './*/*' ! -path './kernels/*' | sed 's,^\./,,' | LC_ALL=C sort | while read -r header; do
        awk -v header="$header" '
            function flush_comment() { comment = ""; done = 0 }
            # Up to the first full stop that is neither within quotes nor of an abbreviation.
            function sentence(text,    i, c, quoted, result) {
                for (i = 1; i <= length(text); ++i) {
                    c = substr(text, i, 1)
                    if (c == "`") quoted = !quoted
                    result = result c
                    if (c == "." && !quoted && substr(text, i + 1) ~ /^( |$)/ && result !~ /(e\.g|i\.e|al|Sec)\.$/) break
                }
                sub(/ ?@throws.*/, "", result)
                gsub(/\|/, "\\|", result)
                return result
            }
            function found(name) {
                if (name in seen) {
                    if (seen[name] != "" || comment == "") return
                } else order[++count] = name
                seen[name] = sentence(comment)
            }
            BEGIN { split(header, part, "/"); room = part[1] }
            /^namespace .*detail \{/ { hidden = 1; next }
            /^}  \/\/ namespace/ { if (/detail/ || !/ESPALIER_ZLIB/) hidden = 0; flush_comment(); next }
            hidden { next }
            /^\/\/\/ @file/ { next }
            /^\/\/\/ ?@code/ { code = 1 }
            /^\/\/\// {
                line = $0
                sub(/^\/\/\/ ?/, "", line)
                if (!code && !done) { if (line == "") done = 1; else comment = comment (comment == "" ? "" : " ") line }
                if (line ~ /^@endcode/) code = 0
                next
            }
            /^(template|requires| |\t)/ { if (/^template/) in_template = 1; if (/^ / && !in_template) flush_comment(); next }
            /^(class|struct|enum class|enum|concept|union) / {
                in_template = 0
                name = ($1 == "enum" && $2 == "class") ? $3 : $2
                sub(/[;:{<].*/, "", name)
                if (!/;$/) found(name)
                flush_comment(); next
            }
            /^using [A-Za-z_]+ =/ { in_template = 0; found($2); flush_comment(); next }
            /^inline constexpr .* = / || /^constexpr .* = / {
                in_template = 0
                name = $0; sub(/ = .*/, "", name); sub(/\{.*/, "", name); sub(/.*[ *&]/, "", name)
                found(name); flush_comment(); next
            }
            /^[A-Za-z_[][^;]*\(/ && !/^(namespace|using|return|static_assert)/ && !/operator/ && !/^[A-Z][A-Za-z0-9]*\(.*->/ {
                in_template = 0
                name = $0
                sub(/^\[\[nodiscard\]\] /, "", name)
                sub(/^decltype\(auto\) /, "", name)
                gsub(/ESPALIER_[A-Z]+ /, "", name)
                at = match(name, /[A-Za-z_][A-Za-z0-9_:]*\(/)
                name = at ? substr(name, at, RLENGTH - 1) : ""
                if (name != "" && name !~ /::/) found(name)
                flush_comment(); next
            }
            /^$/ { flush_comment(); in_template = 0; next }
            { flush_comment() }
            END { for (i = 1; i <= count; ++i) printf "%s\t%s\t%s\t%s\n", room, order[i], header, seen[order[i]] }
        ' "$header"
    done
}

{
    cat <<'TEXT'
# Public names

Every public name of the library, by room, with the header that has it and the first sentence of its comment. What is in
`core/` and `tensor/` lies in `espalier` itself, everything else in a namespace of the room's name. The loops of `kernels/`,
which users do not call, are left out. This page is made from the headers by `tests/docs/names.sh`, and a test holds it to
them.
TEXT
    list | LC_ALL=C sort -t "$(printf '\t')" -k1,1 -k2,2f -k2,2 -k3,3 | awk -F '\t' '
        $1 != room { room = $1; printf "\n## %s\n\n| name | |\n|---|---|\n", room }
        { printf "| [`%s`](../include/espalier/%s) | %s |\n", $2, $3, $4 }'
} > "$made"

if [ "${2:-}" = --check ]; then
    if grep -n '|  |$' "$made"; then
        echo "names.sh: expected a comment in front of each public name, got none for those above"
        exit 1
    fi
    if ! diff "$page" "$made"; then
        echo "names.sh: expected docs/names.md to be what the headers say; run tests/docs/names.sh . and look at the difference"
        exit 1
    fi
    echo "$(grep -c '^| \[' "$made") public names"
else
    cp "$made" "$page"
fi
