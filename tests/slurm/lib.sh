# Sourced by the tests under Slurm: a Slurm, a short config, and jobs to wait for.
# shellcheck shell=bash
: "${DEMO:?the folder of the main job demo}"
# shellcheck source=tests/launch/lib.sh
source "$(dirname "${BASH_SOURCE[0]}")/../launch/lib.sh"
# shellcheck source=tests/slurm/local_slurm.sh
source "$(dirname "${BASH_SOURCE[0]}")/local_slurm.sh"
root=$(cd "$(dirname "${BASH_SOURCE[0]}")/../.." && pwd)
export PERMAFROST PERMAFROST_ROOT=$root

begin_slurm_test() {  # begin_slurm_test NODE...
  rm -rf "$WORK"
  mkdir -p "$WORK"
  slurm_home=$(mktemp -d)  # a socket's path has to be short
  trap 'stop_slurm; rm -rf "$slurm_home"' EXIT
  start_slurm "$slurm_home/slurm" "$@"
  sed 's/^epochs = .*/epochs = 120/' "$root/tests/launch/tiny.ini" >"$WORK/job.ini"
  batch=(--output="$WORK/%x-%j.log" --open-mode=append)
}

oracle() {  # oracle NAME RANKS [OPTION ...]: the weights of a run without Slurm and faults
  ranks "$2" train --config "$WORK/job.ini" --cache "$DEMO/cache" --run "$WORK/oracle-$1" "${@:3}" >"$WORK/oracle.out" 2>&1 ||
    fail "the oracle: $(cat "$WORK/oracle.out")"
  weights "$WORK/oracle-$1"
}
submit() {  # submit [SBATCH_OPTION ...] SCRIPT [OPTION ...]: the number of the job
  sbatch --parsable "${batch[@]}" "$@"
}
job_field() { scontrol --oneliner show job "$1" 2>/dev/null | sed -nE "s/.* $2=([^ ]+).*/\1/p" | head -n 1; }  # job_field JOB NAME
state_of() { job_field "$1" JobState; }
restarts_of() { job_field "$1" Restarts; }
log_of() { cat "$WORK"/*-"$1".log; }
is_state() { [ "$(state_of "$1")" = "$2" ]; }
has_ended() {  # has_ended JOB: and stays so, as one that is being requeued does not
  local ended='^(COMPLETED|FAILED|CANCELLED|TIMEOUT|NODE_FAIL)$'
  [[ "$(state_of "$1")" =~ $ended ]] && sleep 2 && [[ "$(state_of "$1")" =~ $ended ]]
}
# A requeued job waits for two minutes, and longer than its batch script, whose end would be taken for the new one's.
hurry() {
  [ "$(squeue --noheader --jobs "$1" --format %r)" != BeginTime ] || pgrep -f "job0*$1/slurm_script" >/dev/null ||
    { sleep 1 && scontrol update JobId="$1" StartTime=now 2>/dev/null; } || true
}
wait_for_state() {  # wait_for_state JOB STATE: or fails when the job ends otherwise
  local end=$((SECONDS + 120)) state
  until state=$(state_of "$1") && [ "$state" = "$2" ]; do
    ! has_ended "$1" || is_state "$1" "$2" || fail "job $1 is $state, expected $2: $(log_of "$1")"
    [ "$SECONDS" -lt "$end" ] || fail "job $1 is $state after two minutes, expected $2: $(log_of "$1")"
    hurry "$1"
    sleep 0.2
  done
}
wait_for_step() {  # wait_for_step JOB RUN N: the job has done N steps or more
  local end=$((SECONDS + 120))
  until is_state "$1" RUNNING && has_step "$2" "$3" && [ "$(field "$2/status.json" state)" = running ]; do
    ! has_ended "$1" || fail "job $1 is $(state_of "$1") before step $3: $(log_of "$1")"
    [ "$SECONDS" -lt "$end" ] || fail "job $1 did no $3 steps in two minutes: $(log_of "$1")"
    hurry "$1"
    sleep 0.02
  done
}
