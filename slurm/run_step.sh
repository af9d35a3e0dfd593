# Sourced by the batch scripts: runs permafrost under srun, turns "stopped early" (75) into a requeue, and starts again
# after a fault that a host is to blame for, at last without that host.
# shellcheck shell=bash
# shellcheck source=slurm/faults.sh
source "$PERMAFROST_ROOT/slurm/faults.sh"

# run_step VERB [OPTION ...]: exits as permafrost does, unless the job goes on later. In a job array %a is the number of
# the task, as in sbatch's names of files.
run_step() {
  # Since Slurm 22.05 a step no longer inherits this from its job.
  if [ -n "${SLURM_CPUS_PER_TASK:-}" ]; then
    export SRUN_CPUS_PER_TASK=$SLURM_CPUS_PER_TASK
  fi
  set -- "${@//%a/${SLURM_ARRAY_TASK_ID:-%a}}"
  echo "job $SLURM_JOB_ID, start $((${SLURM_RESTART_COUNT:-0} + 1)), on $SLURM_JOB_NODELIST: permafrost $*" >&2
  log_begin
  # A killed rank ends the others, after the seconds that they have to say which it was. Not --kill-on-bad-exit, which a
  # site may have made the rule: the first rank to leave with 75 would kill those that are about to.
  srun --mpi=pmix --kill-on-bad-exit=0 --wait=8 "$permafrost" "$@" &
  local step=$! code
  # --signal=B: wakes this shell alone; srun hands USR2 on to every rank.
  trap 'kill -USR2 "$step" 2>/dev/null' USR2 TERM
  while true; do  # a trap ends `wait` early, with the step still running
    code=0
    wait "$step" || code=$?
    kill -0 "$step" 2>/dev/null || break
  done
  trap - USR2 TERM
  case $code in
    0 | 2) ;;
    75) requeue "stopped early" ;;
    *) requeue_after_fault ;;
  esac
  return "$code"
}

# requeue WHY [SCONTROL_UPDATE ...]. Where the bound is reached, or Slurm refuses, the job ends with permafrost's exit
# code and what depends on it does not run.
requeue() {
  local why=$1 restarts=${SLURM_RESTART_COUNT:-0} most=${PERMAFROST_RESTARTS:-50} refusal
  shift
  if [ "$restarts" -ge "$most" ]; then
    echo "$why, and requeued $restarts times already (PERMAFROST_RESTARTS=$most): submit it again to go on" >&2
    return
  fi
  trap '' TERM  # Slurm's word to this shell that its job is over; the site's KillWait is left for what follows
  if refusal=$(scontrol requeue "$SLURM_JOB_ID" 2>&1); then
    echo "$why: requeued, $((restarts + 1)) of at most $most times" >&2
    [ $# -eq 0 ] || scontrol update JobId="$SLURM_JOB_ID" "$@"
  elif [ "$(job_field Restarts)" -gt "$restarts" ]; then
    echo "$why: requeued by Slurm itself" >&2
  else
    echo "$why, and Slurm does not requeue it ($refusal): submit it again to go on" >&2
  fi
}

job_field() { scontrol --oneliner show job "$SLURM_JOB_ID" | sed -nE "s/.* $1=([^ ]+).*/\\1/p"; }

permafrost=${PERMAFROST:-$PERMAFROST_ROOT/build/release/permafrost}
if [ ! -x "$permafrost" ]; then
  echo "$permafrost: expected the program, found none: build it with launch/build.sh, or set PERMAFROST" >&2
  exit 1
fi
