#!/usr/bin/env bash
# launch/quickstart.sh: from a fresh clone to a trained and evaluated DiST model, each step shown as the command a user
# would type. Everything lies under runs/quickstart; run again, it reuses or resumes what is there.
set -euo pipefail
cd "$(dirname "$0")/.."
launch/build.sh permafrost
# shellcheck source=launch/mpi_environment.sh
source launch/mpi_environment.sh
export PATH="$PWD/build/release:$PATH"

run=runs/quickstart
mkdir -p "$run"
config="--config configs/demo.ini"
timings=()

step() {  # step NAME COMMAND...: shows the command, runs it, keeps its time
  local name=$1 start=$EPOCHREALTIME
  shift
  printf '\n$ %s\n' "$*"
  "$@"
  timings+=("$(awk -v name="$name" -v a="$start" -v b="$EPOCHREALTIME" 'BEGIN { printf "%-22s %6.1f s", name, b - a }')")
}

start=$EPOCHREALTIME
# shellcheck disable=SC2086
{
  step "demo" permafrost demo --out $run
  step "dataset scan" permafrost dataset scan --list $run/videos/list.csv --root $run/videos --out $run/manifest.jsonl
  step "cache build" mpirun -np 2 permafrost cache build $config --manifest $run/manifest.jsonl --encoder $run/encoder --out $run/cache
  step "train" mpirun -np 2 permafrost train $config --cache $run/cache --run $run/train
  step "eval" mpirun -np 2 permafrost eval $config --cache $run/cache --run $run/train
  step "eval, linear probe" mpirun -np 2 permafrost eval $config --probe --cache $run/cache --run $run/train
  step "eval, shuffled frames" mpirun -np 2 permafrost eval $config --eval.frame_order shuffled \
    --manifest $run/manifest.jsonl --encoder $run/encoder --run $run/train
  clip=$(find $run/videos -name '*.mp4' | sort | tail -n 1)
  step "predict" permafrost predict $config --run $run/train --encoder $run/encoder "$clip"
  step "report" permafrost report --run $run/train --cache $run/cache --manifest $run/manifest.jsonl --out $run/report.html
}

printf '\nTime of each step\n'
printf '  %s\n' "${timings[@]}"
awk -v a="$start" -v b="$EPOCHREALTIME" 'BEGIN { printf "  %-22s %6.1f s\n\n", "all, after the build", b - a }'
permafrost eval --summary --run $run/train | tee $run/summary.txt
launch/check_claims.sh $run/summary.txt
echo "$run/report.html"
