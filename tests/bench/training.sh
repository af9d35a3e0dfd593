#!/usr/bin/env bash
# What training over ranks gives and costs (README.md, "training"), on cached features of ViT-B/16's geometry, a thread
# a rank. PEERS is a virtual environment with torch and transformers, for the encoder's random weights.
#
#   PEERS=venv tests/bench/training.sh [FOLDER]      # of data set and cache, kept if it is given
#
# Environment: PAIRS (7), STEPS of a run (12), PRECISIONS ("fp32 bf16"); PERMAFROST, the program.
set -euo pipefail
here=$(cd "$(dirname "$0")" && pwd)
permafrost=${PERMAFROST:-$here/../../build/release/permafrost}
# shellcheck source=launch/mpi_environment.sh
source "$here/../../launch/mpi_environment.sh"
work=${1:-$(mktemp -d)}
trap '[ -n "${1:-}" ] || rm -rf "$work"' EXIT
mkdir -p "$work"
steps=${STEPS:-12}

config=(--config "$here/../../configs/k400_vit_b16_8+16f.ini")
said() { "$@" >"$work/log" 2>&1 || { cat "$work/log"; exit 1; }; }
if [ ! -e "$work/cache/index.json" ]; then
  said "${PEERS:?a virtual environment with torch and transformers}/bin/python" "$here/make_encoder.py" "$work/encoder"
  said "$permafrost" demo --out "$work" --demo.train_clips_per_class 2 --demo.validation_clips_per_class 1 --demo.encoder_steps 1
  said "$permafrost" dataset scan --list "$work/videos/list.csv" --root "$work/videos" --out "$work/manifest.jsonl"
  said "$permafrost" cache build --manifest "$work/manifest.jsonl" --encoder "$work/encoder" --out "$work/cache" "${config[@]}" \
    --sampling.eval_views 1 --cache.encoder_dtype bf16
fi

videos=32  # for training: an epoch of one clip a step has as many steps
train() {  # train RANKS RUN CLIPS [OPTION ...]: each rank takes CLIPS clips a step
  local ranks=$1 run=$work/$2 clips=$3
  rm -rf "$run"
  said mpirun -np "$ranks" "$permafrost" train --run "$run" "${config[@]}" --model.head linear --threads 1 --train.log_every_steps 1 \
    --recipe.batch $((ranks * clips)) --recipe.mix_group 0 --recipe.warmup_epochs 0 --train.checkpoint_every_epochs 1000 \
    --recipe.epochs "$(awk "BEGIN { print ($steps - 0.5) * $ranks * $clips / $videos }")" "${@:4}"
}
cached=(--cache "$work/cache")
rates() { python3 "$here/training_row.py" "$@"; }

for precision in ${PRECISIONS:-fp32 bf16}; do
  for pair in $(seq "${PAIRS:-7}"); do
    train 1 "one-$pair" 2 "${cached[@]}" --train.precision "$precision"
    train 2 "two-$pair" 2 "${cached[@]}" --train.precision "$precision"
  done
  rates pairs "$precision" "$work" "${PAIRS:-7}"
done

for try in 1 2 3 4 5; do
  date +%s.%N >"$work/begun-$try"
  train 2 "start-$try" 1 "${cached[@]}"
done
rates start "$work" 5

for try in 1 2 3; do
  steps=130 train 1 "none-$try" 1 "${cached[@]}" --train.precision bf16
  steps=130 train 1 "some-$try" 1 "${cached[@]}" --train.precision bf16 --train.checkpoint_every_steps 50
done
rates stall "$work" 3

online=(--manifest "$work/manifest.jsonl" --encoder "$work/encoder" --cache.encoder_dtype bf16 --train.precision bf16)
steps=16
alone=0
for rate in 1e-3 2e-3 3e-3 4e-3; do
  begun=$(date +%s%N)
  train 1 alone 1 "${online[@]}" --recipe.learning_rate $rate
  alone=$((alone + $(date +%s%N) - begun))
done
begun=$(date +%s%N)
train 1 sweep 1 "${online[@]}" --sweep lr=1e-3,2e-3,3e-3,4e-3
awk "BEGIN { printf \"sweep of 4 networks, online: %.1f s, %.0f %% of 4 runs, %.1f s\\n\", $(($(date +%s%N) - begun)) / 1e9,
  100 * $(($(date +%s%N) - begun)) / $alone, $alone / 1e9 }"
