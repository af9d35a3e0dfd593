#!/usr/bin/env bash
# slurm/submit.sh [--seeds LIST] [--text FILE] CONFIG MANIFEST ENCODER OUT [SBATCH_OPTION ...]
#
# Submits cache, train and eval, each to start when the one before has succeeded. The cache goes to OUT/cache, the run
# to OUT/run. Whatever follows goes to all three:
#   slurm/submit.sh --text k400_texts.safetensors configs/k400_vit_b16_8+16f.ini k400.jsonl clip out --nodes=4
# --text: the class names for a text head, from `permafrost text`.
# --seeds 0-3 (as sbatch writes an --array) trains a run of each seed, to OUT/run-SEED, and evaluates each.
set -euo pipefail
usage() {
  sed -n '2,9s/^# \{0,1\}//p' "$0" >&2
  exit 2
}
seeds='' text=''
while [[ "${1:-}" == --* ]]; do
  if [ $# -lt 2 ] || [[ "$2" == -* ]]; then usage; fi
  case $1 in
    --seeds) seeds=$2 ;;
    --text) text=$2 ;;
    *) usage ;;
  esac
  shift 2
done
if [ $# -lt 4 ]; then usage; fi
config=$1 manifest=$2 encoder=$3 out=$4
shift 4
for path in "$config" "$manifest" "$encoder" ${text:+"$text"}; do
  if [ ! -e "$path" ]; then
    echo "$path: expected a file or folder to train from, found none" >&2
    exit 2
  fi
done
PERMAFROST_ROOT=$(cd "$(dirname "$0")/.." && pwd)
export PERMAFROST_ROOT

submit() {  # submit [SBATCH_OPTION ...] SCRIPT [OPTION ...]: prints the number of the job
  local job
  job=$(sbatch --parsable --kill-on-invalid-dep=yes "$@")
  echo "${job%%;*}"  # "JOB;CLUSTER" where there are several
}

cache=$(submit "$@" "$PERMAFROST_ROOT/slurm/cache.sbatch" \
  --config "$config" --manifest "$manifest" --encoder "$encoder" --out "$out/cache")
run=$out/run after=afterok array=() seed=()
if [ -n "$seeds" ]; then
  run=$out/run-%a after=aftercorr array=(--array="$seeds") seed=(--recipe.seed %a)
fi
train=$(submit "$@" "${array[@]}" --dependency="afterok:$cache" "$PERMAFROST_ROOT/slurm/train.sbatch" \
  --config "$config" --cache "$out/cache" --run "$run" ${text:+--text "$text"} "${seed[@]}")
eval=$(submit "$@" "${array[@]}" --dependency="$after:$train" "$PERMAFROST_ROOT/slurm/eval.sbatch" \
  --config "$config" --cache "$out/cache" --run "$run")

echo "cache $cache, train $train, eval $eval; afterwards: permafrost report --run ${run/-%a/-SEED} --cache $out/cache"
