# Sourced by the batch scripts: runs permafrost under srun and turns "stopped early" (75) into a requeue.
# shellcheck shell=bash

# run_step VERB [OPTION ...]: exits as permafrost does, unless it stopped early and may be requeued.
run_step() {
  # Since Slurm 22.05 a step no longer inherits this from its job.
  if [ -n "${SLURM_CPUS_PER_TASK:-}" ]; then
    export SRUN_CPUS_PER_TASK=$SLURM_CPUS_PER_TASK
  fi
  srun --mpi=pmix "$permafrost" "$@" &
  local step=$! code
  # --signal=B: wakes this shell alone; srun hands USR2 on to every rank.
  trap 'kill -USR2 "$step" 2>/dev/null' USR2 TERM
  while true; do  # a trap ends `wait` early, with the step still running
    code=0
    wait "$step" || code=$?
    kill -0 "$step" 2>/dev/null || break
  done
  trap - USR2 TERM
  if [ "$code" -eq 75 ]; then
    requeue
  fi
  return "$code"
}

# Where the bound is reached, or Slurm refuses, the job ends with permafrost's 75 and what depends on it does not run.
requeue() {
  local restarts=${SLURM_RESTART_COUNT:-0} most=${PERMAFROST_RESTARTS:-50}
  if [ "$restarts" -ge "$most" ]; then
    echo "stopped early, and requeued $restarts times already (PERMAFROST_RESTARTS=$most): submit it again to go on" >&2
    return
  fi
  echo "stopped early: requeueing, $((restarts + 1)) of at most $most times" >&2
  scontrol requeue "$SLURM_JOB_ID" || echo "Slurm refused to requeue: submit it again to go on" >&2
}

permafrost=${PERMAFROST:-$PERMAFROST_ROOT/build/release/permafrost}
if [ ! -x "$permafrost" ]; then
  echo "$permafrost: expected the program, found none: build it with launch/build.sh, or set PERMAFROST" >&2
  exit 1
fi
