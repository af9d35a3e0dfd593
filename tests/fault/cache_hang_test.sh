#!/usr/bin/env bash
# A rank of a build, or of an evaluation, is stopped: the job ends within its deadline and names the rank with what it
# was at; the same command ends with the files, and the result, of the undisturbed one.
set -euo pipefail
# shellcheck source=tests/fault/lib.sh
source "$(dirname "$0")/lib.sh"
rm -rf "$WORK" && mkdir -p "$WORK"
build() {  # build OUT [OPTION ...]: long enough to be caught in its middle
  exec mpirun -np 2 "$PERMAFROST" cache build --manifest "$DEMO/manifest.jsonl" --encoder "$DEMO/demo/encoder" --out "$1" \
    "${tiny[@]}" --sampling.train_views 12 --threads 1 "${@:2}"
}
evaluate() {  # evaluate [OPTION ...]: of the videos, with so many views that it lasts some seconds
  exec mpirun -np 2 "$PERMAFROST" eval --manifest "$DEMO/manifest.jsonl" --encoder "$DEMO/demo/encoder" --run "$WORK/run" \
    --sampling.eval_views 100 --threads 1 --json "$@"
}
has_shards() { [ "$(find "$1" -name 'shard-*.h5' 2>/dev/null | wc -l)" -ge "$2" ]; }

(build "$WORK/undisturbed") >"$WORK/log" 2>&1 || fail "$(cat "$WORK/log")"
for stopped in 1 0; do
  out=$WORK/stopped-$stopped
  (build "$out" --deadline.start 2 --deadline.step 2 --deadline.shutdown 2) >"$WORK/log" 2>&1 &
  job=$!
  wait_for "$job" has_shards "$out" 2
  signal_rank "$job" "$stopped" STOP
  expect_named "$job" "$stopped" "(start of step 0|shard [0-9]+)"
  [ ! -e "$out/index.json" ] || fail "a build that hung says that it is complete"
  (build "$out") >"$WORK/log" 2>&1 || fail "started again: $(cat "$WORK/log")"
  [ "$(records "$out")" = "$(records "$WORK/undisturbed")" ] || fail "rank $stopped stopped: other records in the end"
done

(exec mpirun -np 2 "$PERMAFROST" train --cache "$DEMO/cache" --run "$WORK/run" "${tiny[@]}" --threads 1) >"$WORK/log" 2>&1 || fail "$(cat "$WORK/log")"
(evaluate) >"$WORK/undisturbed.json" 2>"$WORK/log" || fail "$(cat "$WORK/log")"
(evaluate --deadline.step 2 --deadline.start 2) >"$WORK/log" 2>&1 &
job=$!
wait_for "$job" pgrep -P "$job" >/dev/null
sleep 1
signal_rank "$job" 1 STOP
expect_named "$job" 1 "(start|evaluation) of step [0-9]+"
(evaluate) >"$WORK/again.json" 2>"$WORK/log" || fail "$(cat "$WORK/log")"
cmp "$WORK/again.json" "$WORK/undisturbed.json" || fail "started again: another result"
