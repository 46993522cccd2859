#!/bin/sh
# SPDX-License-Identifier: MIT
# compiled_list.sh ROOT: fails unless the lists of compiled/ have every public class and function of the rooms that takes a scalar
# and nothing else as template argument. Plain structures have nothing to compile.
cd "$1/include/espalier" || exit 1
failed=0
for room in tensor autograd nn losses optim metrics data mtl; do
    # What stands behind `template <class Scalar>` outside of a detail namespace: one name a line, overloads as often as they are.
    # Left out: eigen.hpp, which gives expressions of Eigen, and what one includes by its own header, all rules at once, a description, those that
    # are functions beside the loop, and the trunks.
    beside=$([ $room = mtl ] && for name in by_name describe auto_lambda moml forum rotograd sam stgu cross_backward; do echo ! -name $name.hpp; done)
    expected=$(cat $(find $room -name '*.hpp' ! -path tensor/eigen.hpp ! -path 'nn/trunks/*' $beside) | awk '
        /^namespace .*detail \{/ { hidden = 1 }
        /^}  \/\/ namespace/ { hidden = 0 }
        of_scalar && !hidden && /^class [A-Za-z0-9]+ / { print "class " $2 "<float>" }
        of_scalar && !hidden && !/^(class|struct|using|inline|template|    )|>::|\) ->/ && match($0, /(operator[^ (]+|[A-Za-z0-9_]+)\(/) {
            print substr($0, RSTART, RLENGTH) }
        { of_scalar = /^template <class Scalar( = float)?>$/ }' | LC_ALL=C sort)
    got=$(awk '
        /^ESPALIER_INSTANTIATE class / { sub(/;$/, "", $3); sub(/^.*::/, "", $3); print "class " $3; next }
        /^ESPALIER_INSTANTIATE / && !/ detail::/ && match($0, /(operator[^ (]+|[A-Za-z0-9_]+)\(/) { print substr($0, RSTART, RLENGTH) }' \
        compiled/$room.ipp | LC_ALL=C sort)
    missing=$(echo "$expected" | awk -v got="$got" '
        BEGIN { n = split(got, names, "\n"); for (i = 1; i <= n; ++i) ++there[names[i]] }
        there[$0]-- <= 0')
    if [ -z "$expected" ] || [ -n "$missing" ]; then
        echo "compiled/$room.ipp: expected each of the room's classes and functions in float, got none of" $missing
        failed=1
    fi
    echo "$room: $(echo "$expected" | wc -l)"
done
exit $failed
