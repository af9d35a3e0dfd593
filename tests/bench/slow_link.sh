#!/usr/bin/env bash
# What `plan --simulate` reckons of a step over a slow link, beside what the step then takes, and how much of the
# communication backward hides (README.md, "slow link"). As root: two network namespaces are the nodes.
#
#   tests/bench/slow_link.sh [FOLDER]      # of its data set, kept if it is given
#
# Environment: RATES (Mbit/s: "2000 1000"), RANKS (of each node: "1 2"), CLIPS (of a rank: 32), EPOCHS (6); PERMAFROST,
# the program.
set -euo pipefail
here=$(cd "$(dirname "$0")" && pwd)
permafrost=${PERMAFROST:-$here/../../build/release/permafrost}
clips=${CLIPS:-32}
# shellcheck source=tests/net/two_nodes.sh
source "$here/../net/two_nodes.sh"
work=${1:-$(mktemp -d)}
trap 'remove_nodes; [ -n "${1:-}" ] || rm -rf "$work"' EXIT
mkdir -p "$work"
make_nodes

config=(--config "$here/../../configs/demo.ini")
network=("${config[@]}" --model.integration_dim 384 --model.temporal_dim 96)
if [ ! -d "$work/cache" ]; then
  {
    "$permafrost" demo --out "$work" --demo.train_clips_per_class 8 --demo.validation_clips_per_class 1 --demo.encoder_steps 5
    "$permafrost" dataset scan --list "$work/videos/list.csv" --root "$work/videos" --out "$work/manifest.jsonl"
    "$permafrost" cache build --manifest "$work/manifest.jsonl" --encoder "$work/encoder" --out "$work/cache" "${config[@]}"
  } >"$work/log" 2>&1 || { cat "$work/log"; exit 1; }
fi

train() {  # train NAME RANKS LAUNCHER...
  local run=$work/$1 ranks=$2
  shift 2
  rm -rf "$run"
  "$@" "$permafrost" train --cache "$work/cache" --run "$run" "${network[@]}" --threads 1 --train.log_every_steps 1 \
    --recipe.batch $((clips * ranks)) --recipe.epochs "${EPOCHS:-6}" >"$work/log" 2>&1 || { cat "$work/log"; exit 1; }
}
simulate() {  # simulate RUN RANKS_OF_A_NODE MBIT LATENCY
  "$permafrost" plan --simulate --from "$work/$1" "${network[@]}" --encoder "$work/encoder" --gpus "$2" \
    --link-gbit "$(awk "BEGIN { print $3 * 0.95 / 1000 }")" --link-latency-us "$4" --json  # headers take 5 %
}

printf '%-6s %-8s %-10s %-12s %-6s %-12s %-6s %-14s %s\n' ranks Mbit/s measured reckoned ratio "from 1 rank" ratio communication hidden
set_rate none
train alone 1 on_one_node
for ranks in ${RANKS:-1 2}; do
  set_rate none
  train fast $((2 * ranks)) on_nodes "$ranks"
  for rate in ${RATES:-2000 1000}; do
    set_rate "${rate}mbit"
    latency=$(latency_us)
    simulate fast "$ranks" "$rate" "$latency" >"$work/fast.json"
    simulate alone "$ranks" "$rate" "$latency" >"$work/alone.json"
    train slow $((2 * ranks)) on_nodes "$ranks"
    python3 "$here/slow_link_row.py" "$work" $((2 * ranks)) "$rate"
  done
done
