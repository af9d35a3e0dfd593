#!/usr/bin/env bash
# slurm/submit.sh [--seeds LIST] CONFIG MANIFEST ENCODER OUT [SBATCH_OPTION ...]
#
# Submits cache, train and eval, each to start when the one before has succeeded. The cache goes to OUT/cache, the run
# to OUT/run. Whatever follows goes to all three: slurm/submit.sh configs/k400.ini k400.jsonl clip out --nodes=4
# --seeds 0-3 (as sbatch writes an --array) trains a run of each seed, to OUT/run-SEED, and evaluates each.
set -euo pipefail
seeds=
if [ "${1:-}" = --seeds ]; then
  seeds=${2:-}
  shift $(($# < 2 ? $# : 2))
fi
if [ $# -lt 4 ] || [[ "$seeds" == -* ]]; then
  sed -n '2,6s/^# \{0,1\}//p' "$0" >&2
  exit 2
fi
config=$1 manifest=$2 encoder=$3 out=$4
shift 4
for path in "$config" "$manifest" "$encoder"; do
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
  --config "$config" --cache "$out/cache" --run "$run" "${seed[@]}")
eval=$(submit "$@" "${array[@]}" --dependency="$after:$train" "$PERMAFROST_ROOT/slurm/eval.sbatch" \
  --config "$config" --cache "$out/cache" --run "$run")

echo "cache $cache, train $train, eval $eval; afterwards: permafrost report --run ${run/-%a/-SEED} --cache $out/cache"
