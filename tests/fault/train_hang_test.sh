#!/usr/bin/env bash
# A rank of a training hangs: the job ends within its deadline, names the rank with its last step, tells the stacks of
# the threads that wait for it, leaves no process, and the same command ends with the weights of the undisturbed run.
set -euo pipefail
# shellcheck source=tests/fault/lib.sh
source "$(dirname "$0")/lib.sh"
rm -rf "$WORK" && mkdir -p "$WORK"
train() {  # train RUN [OPTION ...]
  exec mpirun -np 2 "$PERMAFROST" train --cache "$DEMO/cache" --run "$1" "${tiny[@]}" "${long[@]}" --threads 1 "${@:2}"
}
(train "$WORK/undisturbed") >"$WORK/log" 2>&1 || fail "$(cat "$WORK/log")"
oracle=$(weights "$WORK/undisturbed")

for stopped in 1 0; do
  what="rank $stopped stopped"
  (train "$WORK/hung-$stopped" --deadline.step 2) >"$WORK/log" 2>&1 &
  job=$!
  wait_for "$job" has_step "$WORK/hung-$stopped" 8
  signal_rank "$job" "$stopped" STOP
  expect_named "$job" "$stopped" "[a-z ]+ of step [0-9]+"
  grep -q 'permafrost::launch::Trainer::train()' "$WORK/log" || fail "$what: no stack of the other rank: $(cat "$WORK/log")"
  (train "$WORK/hung-$stopped") >"$WORK/log" 2>&1 || fail "$what: started again: $(cat "$WORK/log")"
  [ "$(weights "$WORK/hung-$stopped")" = "$oracle" ] || fail "$what: other weights in the end"
done

# Stopped for less than the deadline, again and again: the job goes on, and nothing is lost.
(train "$WORK/slow" --deadline.step 10) >"$WORK/log" 2>&1 &
job=$!
wait_for "$job" has_step "$WORK/slow" 8
for try in 1 2 3 4 5 6 7 8; do  # while it computes, or while it waits for the other: only the first tells on it
  signal_rank "$job" 1 STOP || break
  sleep 0.3
  signal_rank "$job" 1 CONT
  sleep 0.1
done
wait "$job" || fail "a rank that was stopped again and again: $(cat "$WORK/log")"
[ "$(weights "$WORK/slow")" = "$oracle" ] || fail "a rank that was stopped again and again: other weights"
grep -q 'rank 1 on .* is slow: since the last line its steps took' "$WORK/log" || fail "the slow rank is not named: $(cat "$WORK/log")"
