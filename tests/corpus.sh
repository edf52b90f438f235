#!/bin/sh
# SPDX-License-Identifier: MIT
# Replay the corpus of every fuzz harness; srcdir comes from the environment.
: "${srcdir:?}"
n=0
for harness in tests/fuzz/fuzz_*; do
    case $harness in
    *.*) continue ;;
    esac
    n=$((n + 1))
    corpus=$srcdir/tests/fuzz/corpus/${harness#tests/fuzz/fuzz_}
    if out=$("$harness" "$corpus" 2>&1); then
        echo "ok $n - $harness"
    else
        echo "not ok $n - $harness"
        printf '%s\n' "$out" | tail -n 20 | sed 's/^/# # /'
    fi
done
echo "1..$n"
