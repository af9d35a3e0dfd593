#!/usr/bin/env bash
# refuses_lost_ranks.sh PROGRAM: a process that a launcher counts among 4 while MPI sees 1 must not run as rank 0 of 1.
set -euo pipefail
program=$1
log=$(mktemp)
trap 'rm -f "$log"' EXIT
expect() {
  local expected_code=$1 expected_text=$2 code=0
  shift 2
  env -u OMPI_COMM_WORLD_SIZE "$@" "$program" start >"$log" 2>&1 || code=$?
  if [ "$code" -ne "$expected_code" ] || ! grep -q "$expected_text" "$log"; then
    echo "$*: expected exit code $expected_code and '$expected_text', found $code; the log:"
    cat "$log"
    exit 1
  fi
}
[ "$(id -u)" -ne 0 ] || export OMPI_ALLOW_RUN_AS_ROOT=1 OMPI_ALLOW_RUN_AS_ROOT_CONFIRM=1
expect 0 'rank 0 is done'
expect 0 'rank 0 is done' SLURM_JOB_ID=17 SLURM_NTASKS=4
expect 2 'the launcher started 4 ranks (OMPI_COMM_WORLD_SIZE), MPI sees 1' OMPI_COMM_WORLD_SIZE=4
expect 2 'srun started 4 ranks (SLURM_STEP_NUM_TASKS) that cannot find each other' SLURM_STEP_ID=0 SLURM_STEP_NUM_TASKS=4
expect 0 'rank 0 is done' SLURM_STEP_ID=0 SLURM_STEP_NUM_TASKS=1 SLURM_NODELIST=here SLURM_JOBID=17
