#!/bin/sh
# SPDX-License-Identifier: MIT
# Run unit tests under valgrind's memcheck; TAP.  Errors and definite leaks
# count.  test_wipe looks at freed memory on purpose.
# srcdir in the environment: where the samples are.
n=0
status=0
echo "1..$#"
for program in "$@"; do
    n=$((n + 1))
    case $program in
    *test_wipe)
        echo "ok $n - $program # SKIP it reads freed memory on purpose"
        continue ;;
    *test_confine)
        echo "ok $n - $program # SKIP valgrind makes calls that are forbidden"
        continue ;;
    esac
    if out=$(valgrind -q --error-exitcode=9 --leak-check=full \
        --errors-for-leak-kinds=definite --trace-children=no \
        "$program" 2>&1); then
        echo "ok $n - $program"
    else
        echo "not ok $n - $program"
        printf '%s\n' "$out" | tail -n 30 | sed 's/^/# /'
        status=1
    fi
done
exit $status
