#!/usr/bin/env bash
# A host on which a job dies twice is left out when it starts again, and the run ends with the bits of one without
# faults. What no host is to blame for ends the job at once, and starting again has an end.
#
# Nodes of one machine: PMIx joins no ranks of two slurmd here, so each job keeps to one.
set -euo pipefail
# shellcheck source=tests/slurm/lib.sh
source "$(dirname "$0")/lib.sh"
begin_slurm_test node-a node-b node-c
one=(--nodes=1 --ntasks-per-node=1)
train=("$root/slurm/train.sbatch" --config "$WORK/job.ini" --cache "$DEMO/cache" --threads 1 --train.checkpoint_every_steps 4)

kill_rank() { pkill -KILL -f "^[^ ]*permafrost train .*--run $1( |\$)" || fail "no rank of $1 to kill"; }
says() { grep -q "$2" "$WORK/permafrost-train-$1.log"; }  # says JOB WORDS
expect() { wait_until 60 says "$1" "$2" || fail "job $1 does not say '$2': $(log_of "$1")"; }
blamed() { grep -c '^fault on node-a' "$WORK/permafrost-train-$1.log"; }
ended_with() {  # ended_with JOB CODE
  wait_until 60 is_state "$1" FAILED || fail "job $1 is $(state_of "$1"), expected FAILED: $(log_of "$1")"
  scontrol show job "$1" | grep -q "ExitCode=$2:0" || fail "job $1 ended with another code than $2: $(log_of "$1")"
}

# Whose words count: the first that blame a host. What is only slow for a while is not at fault, and what Slurm ends is not.
blames() {  # blames HOST, with the words of a step on standard input
  local host
  host=$(PERMAFROST_ROOT=$root bash -c 'source "$PERMAFROST_ROOT/slurm/faults.sh"; faulty_host')
  [ "$host" = "$1" ] || fail "'$host' is blamed, expected '$1'"
}
hung='23:50:00 [rank 0] error: rank 1 on node-b, pid 17: silent for 3.00 s, last in forward and backward of step 9'
slow='23:40:00 [rank 0] warning: rank 2 on node-c, pid 18: silent for 5.00 s, last in checkpoint of step 4'
ended='slurmstepd-node-a: error: *** STEP 2.0 ON node-a CANCELLED AT 2026-01-01T00:00:00 ***'
blames node-b <<<"$slow"$'\n'"$hung"$'\n'"$ended"$'\nsrun: error: node-a: task 0: Killed'
blames node-a <<<"$slow"$'\nsrun: error: node-a: tasks 0-1: Segmentation fault (core dumped)\n'"$hung"
blames '' <<<"$slow"$'\nsrun: error: node-a: task 0: Exited with exit code 1\n'"$ended"$'\nsrun: error: node-b: task 1: Killed'

# Killed twice on one host. What the submission excludes stays excluded.
job=$(submit "${one[@]}" --exclude=node-b "${train[@]}" --run "$WORK/run")
wait_for_step "$job" "$WORK/run" 6
kill_rank "$WORK/run"
expect "$job" '^a fault, 1 of at most 5; without node-b: requeued'
wait_for_step "$job" "$WORK/run" 20
kill_rank "$WORK/run"
expect "$job" '^a fault, 2 of at most 5; without node-b,node-a: requeued'
wait_for_state "$job" COMPLETED
[ "$(blamed "$job")" -eq 2 ] || fail "expected two faults of node-a: $(log_of "$job")"
scontrol show job "$job" | grep -q 'BatchHost=node-c' || fail "it did not end on node-c: $(log_of "$job")"
[ "$(weights "$WORK/run")" = "$(oracle alone 1)" ] || fail "killed twice: other bits"

# A rank that hangs is named by the watchdog, and with it the host; srun's words about the others come later.
job=$(submit --nodes=1 --ntasks-per-node=2 --exclude=node-b,node-c "${train[@]}" --run "$WORK/hung" --deadline.step 3)
wait_for_step "$job" "$WORK/hung" 6
pkill -STOP -n -f "^[^ ]*permafrost train .*--run $WORK/hung " || fail "no rank to stop"
expect "$job" 'rank [01] on node-a, pid [0-9]*: silent for'
expect "$job" '^a fault, 1 of at most 5'
wait_for_state "$job" COMPLETED
[ "$(weights "$WORK/hung")" = "$(oracle pair 2)" ] || fail "a rank hung: other bits"

# An error that would come again.
job=$(submit "${one[@]}" "${train[@]}" --run "$WORK/failing" --cache "$WORK/nowhere")
ended_with "$job" 1
[ "$(restarts_of "$job")" -eq 0 ] || fail "an error was tried again: $(log_of "$job")"

# So many faults and no more.
job=$(PERMAFROST_FAULTS=1 submit "${one[@]}" "${train[@]}" --run "$WORK/faulty")
wait_for_step "$job" "$WORK/faulty" 6
kill_rank "$WORK/faulty"
expect "$job" '^a fault, 1 of at most 1'
wait_for_step "$job" "$WORK/faulty" 20
kill_rank "$WORK/faulty"
expect "$job" '^2 faults (PERMAFROST_FAULTS=1): not started again'
ended_with "$job" 137

# No host is left to go on without the one at fault.
job=$(submit "${one[@]}" --exclude=node-b,node-c "${train[@]}" --run "$WORK/lonely")
for step in 6 20; do
  wait_for_step "$job" "$WORK/lonely" "$step"
  kill_rank "$WORK/lonely"
  expect "$job" "$([ "$step" -eq 6 ] && echo '^a fault, 1 of at most 5' || echo '^no host left to go on without .*node-a')"
done
ended_with "$job" 137

# So many restarts and no more; what depends on the job does not run.
job=$(PERMAFROST_RESTARTS=1 submit "${one[@]}" "${train[@]}" --run "$WORK/stopped")
next=$(submit --dependency="afterok:$job" --kill-on-invalid-dep=yes --wrap true)
for step in 6 20; do
  wait_for_step "$job" "$WORK/stopped" "$step"
  scancel --signal=USR2 --batch "$job"
  expect "$job" "stopped early.*$([ "$step" -eq 6 ] && echo '1 of at most 1' || echo 'requeued 1 times already')"
done
ended_with "$job" 75
wait_until 60 is_state "$next" CANCELLED || fail "what depends on job $job is $(state_of "$next")"
