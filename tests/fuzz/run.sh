#!/bin/sh
# SPDX-License-Identifier: MIT
# run.sh SECONDS CORPORA OUT NAME...: libFuzzer with each of OUT/fuzz_NAME for
# so long, beginning with CORPORA/NAME and what an earlier run left in
# OUT/NAME.  The table at the end says what was done; 1: something was found.
seconds=$1 corpora=$2 out=$3
shift 3
: >"$out/table"

# last PATTERN: the number behind it in the log, where it stands last
last()
{
    sed -n "s/.*$1 *\([0-9][0-9]*\).*/\1/p" "$out/$name.log" | tail -n 1
}

for name in "$@"; do
    mkdir -p "$out/$name"
    rm -f "$out/$name"-*
    timeout $((seconds + 120)) "$out/fuzz_$name" -max_total_time="$seconds" \
        -max_len=8192 -timeout=10 -print_final_stats=1 \
        -artifact_prefix="$out/$name-" "$out/$name" "$corpora/$name" >"$out/$name.log" 2>&1 && ended=0 || ended=1
    found=$(find "$out" -maxdepth 1 -name "$name-*" | wc -l)
    [ "$found" -gt 0 ] || found=$ended
    printf '%-20s %8s %12s %9s %8s\n' "$name" "$seconds" \
        "$(last 'number_of_executed_units:')" "$(last 'cov:')" "$found" |
        tee -a "$out/table" >&2
    [ "$found" -eq 0 ] || tail -n 40 "$out/$name.log"
done
echo "harness               seconds   executions  coverage findings"
cat "$out/table"
awk '{ s += $2; n += $3; f += $5 }
    END { printf "%d harnesses, %d s, %d executions, %d findings\n", NR, s, n, f
          exit f > 0 }' "$out/table"
