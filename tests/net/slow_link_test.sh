#!/usr/bin/env bash
# Training over two nodes with a slow link between them, 2 and 4 ranks: it runs, and `plan --simulate` tells the time of
# a step from one rank's compute, the buckets' bytes and the link, before it is run. To the order of magnitude: what the
# ratio is, tests/bench/slow_link.sh prints.
set -euo pipefail
: "${DEMO:?the folder of the main job demo}"
# shellcheck source=tests/launch/lib.sh
source "$(dirname "$0")/../launch/lib.sh"
# shellcheck source=tests/net/two_nodes.sh
source "$(dirname "$0")/two_nodes.sh"
rm -rf "$WORK"
mkdir -p "$WORK"
trap remove_nodes EXIT
make_nodes

# Gradients of 20 MB after little compute.
wide=(--model.integration_dim 384 --model.temporal_dim 96 --recipe.epochs 4 --deadline.step 60)
train() { "$@" --cache "$DEMO/cache" "${tiny[@]}" "${wide[@]}" --threads 1 >"$WORK/train.out" 2>&1 || fail "$* ended: $(cat "$WORK/train.out")"; }
number_of() {  # number_of FILE EXPRESSION: of Python, on `value`, the JSON in FILE or the last of its lines
  python3 -c 'import json, sys
text = open(sys.argv[1]).read()
value = json.loads(text if text.startswith("{\n") else text.splitlines()[-1])
print(eval(sys.argv[2]))' "$1" "$2"
}

set_rate none
train on_one_node "$PERMAFROST" train --run "$WORK/alone" --recipe.batch 8
for ranks in 1 2; do  # on each node
  for mbit in 500 200; do
    set_rate "${mbit}mbit"
    latency=$(latency_us)
    [ -n "$latency" ] || fail "ping told no time between the nodes"
    name=$((2 * ranks))-ranks-$mbit
    "$PERMAFROST" plan --simulate --from "$WORK/alone" "${tiny[@]}" "${wide[@]:0:4}" --encoder "$DEMO/demo/encoder" \
      --gpus "$ranks" --link-gbit "$(awk "BEGIN { print $mbit / 1000 }")" --link-latency-us "$latency" --json >"$WORK/$name.json"
    train on_nodes "$ranks" "$PERMAFROST" train --run "$WORK/$name" --recipe.batch $((16 * ranks))
    grep -q "\"ranks\": $((2 * ranks))" "$WORK/$name/environment.json" || fail "$name: not so many ranks"

    metrics=$WORK/$name/metrics.jsonl
    planned=$(number_of "$WORK/$name.json" 'sorted(bucket["bytes"] for bucket in value["buckets"])')
    logged=$(number_of "$metrics" 'sum(bucket["bytes"] for bucket in value["buckets"])')
    measured=$(number_of "$metrics" 'value["data_ms"] + value["compute_ms"] + value["communication_ms"]')
    reckoned=$(number_of "$WORK/$name.json" "next(row['step_ms'] for row in value['scaling'] if row['ranks'] == 2 * $ranks)")
    python3 -c 'import sys
planned, logged, reckoned, measured = (eval(text) for text in sys.argv[1:])
assert len(planned) > 2 and abs(sum(planned) - logged) < 0.02 * logged, f"buckets planned {planned}, logged {logged} bytes"
assert measured / 4 < reckoned < measured * 4, f"reckoned {reckoned} ms, measured {measured} ms"' \
      "$planned" "$logged" "$reckoned" "$measured" || fail "$name"
    # The link is what is slow: no step is faster than its bytes.
    python3 -c "assert $measured > 8e-3 * $logged / $mbit * 0.5" || fail "$name: the steps did not go over the link"
  done
done

# A run of several ranks says all itself; nothing else is needed.
"$PERMAFROST" plan --simulate --from "$WORK/4-ranks-200" --gpus 2 --link-gbit 10 >"$WORK/table.txt"
grep -qE '^ +1024 +512 ' "$WORK/table.txt" || fail "no line of 1024 ranks on 512 nodes in $(cat "$WORK/table.txt")"
