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
  mapfile -t ranks < <(pgrep -P "$job")
  for pid in "${ranks[@]}"; do
    [ "$(rank_of "$pid")" != "$stopped" ] || kill -STOP "$pid"
  done
  # Its own deadline; rank 0's last words; what the others leave rank 0; mpirun's end.
  MOST=30 expect_end "$what" "$job" "${ranks[@]}"
  code=0
  wait "$job" 2>/dev/null || code=$?
  [ "$code" -eq 1 ] || fail "$what: expected the exit code 1, found $code: $(cat "$WORK/log")"
  grep -qE "rank $stopped on .*, pid [0-9]+: silent for [0-9.]+ s, last in [a-z ]+ of step [0-9]+" "$WORK/log" ||
    fail "$what: it is not named with its last step: $(cat "$WORK/log")"
  grep -q 'permafrost::launch::Trainer::train()' "$WORK/log" || fail "$what: no stack of the other rank: $(cat "$WORK/log")"
  (train "$WORK/hung-$stopped") >"$WORK/log" 2>&1 || fail "$what: started again: $(cat "$WORK/log")"
  [ "$(weights "$WORK/hung-$stopped")" = "$oracle" ] || fail "$what: other weights in the end"
done

# Stopped for less than the deadline, again and again: the job goes on, and nothing is lost.
(train "$WORK/slow" --deadline.step 10) >"$WORK/log" 2>&1 &
job=$!
wait_for "$job" has_step "$WORK/slow" 8
for pid in $(pgrep -P "$job"); do
  [ "$(rank_of "$pid")" != 1 ] || break
done
for try in 1 2 3 4 5 6 7 8; do  # while it computes, or while it waits for the other: only the first tells on it
  kill -STOP "$pid" 2>/dev/null || break
  sleep 0.3
  kill -CONT "$pid"
  sleep 0.1
done
wait "$job" || fail "a rank that was stopped again and again: $(cat "$WORK/log")"
[ "$(weights "$WORK/slow")" = "$oracle" ] || fail "a rank that was stopped again and again: other weights"
grep -q 'rank 1 on .* is slow: since the last line its steps took' "$WORK/log" || fail "the slow rank is not named: $(cat "$WORK/log")"
