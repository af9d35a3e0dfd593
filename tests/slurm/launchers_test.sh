#!/usr/bin/env bash
# srun with PMIx, and mpirun within an allocation, give ranks that know each other, and the same bits; srun without PMIx
# would give as many programs of one rank, and is refused.
set -euo pipefail
# shellcheck source=tests/slurm/lib.sh
source "$(dirname "$0")/lib.sh"
begin_slurm_test node-a
train=("$PERMAFROST" train --config "$WORK/job.ini" --cache "$DEMO/cache" --threads 1)
oracle=$(oracle alone 2)

srun --ntasks=2 --mpi=pmix "${train[@]}" --run "$WORK/srun" >"$WORK/srun.out" 2>&1 || fail "srun: $(cat "$WORK/srun.out")"
[ "$(weights "$WORK/srun")" = "$oracle" ] || fail "srun: other bits than mpirun's"

job=$(submit --ntasks=2 --job-name=mpirun --wrap "mpirun ${train[*]} --run $WORK/mpirun")
wait_for_state "$job" COMPLETED
[ "$(weights "$WORK/mpirun")" = "$oracle" ] || fail "mpirun in a job: other bits"

code=0
srun --ntasks=2 --mpi=none "${train[@]}" --run "$WORK/none" >"$WORK/none.out" 2>&1 || code=$?
[ "$code" -eq 2 ] || fail "srun without PMIx ended with $code, expected 2: $(cat "$WORK/none.out")"
grep -q 'SLURM_STEP_NUM_TASKS.*--mpi=pmix' "$WORK/none.out" || fail "no advice: $(cat "$WORK/none.out")"
[ ! -e "$WORK/none" ] || fail "ranks that do not know each other began a run"

# One rank needs no other, and so no PMIx.
srun --ntasks=1 --mpi=none "${train[@]}" --run "$WORK/single" >"$WORK/single.out" 2>&1 || fail "one rank: $(cat "$WORK/single.out")"
[ "$(weights "$WORK/single")" = "$(oracle single 1)" ] || fail "one rank under srun: other bits"
