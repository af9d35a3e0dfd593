#!/usr/bin/env bash
# A run that is killed or asked to stop ends with the bits of one that was not.
set -euo pipefail
# shellcheck source=tests/launch/lib.sh
source "$(dirname "$0")/lib.sh"
train() { ranks 2 train --cache "$WORK/cache" --run "$1" "${tiny[@]}" "${long[@]}" "${@:2}"; }
rm -rf "$WORK"/run-*
train "$WORK/run-oracle"
oracle=$(weights "$WORK/run-oracle")
[ "$(field "$WORK/run-oracle/status.json" state)" = "done" ] || fail "the run is not done"

# Killed: the newest checkpoint is that of an epoch's end, the steps after it are done again.
train "$WORK/run-killed" >"$WORK/killed.log" 2>&1 &
job=$!
wait_for "$job" has_step "$WORK/run-killed" 6
wait_for "$job" test -e "$WORK/run-killed/checkpoints/latest"  # it is written beside the steps
pkill -KILL -f "train --cache $WORK/cache --run $WORK/run-killed" || true
wait "$job" 2>/dev/null || true
sleep 1
[ "$(field "$WORK/run-killed/status.json" state)" = running ] || fail "the run ended before the kill"
train "$WORK/run-killed" 2>&1 | tee "$WORK/resumed.log"
grep -q 'resuming from' "$WORK/resumed.log" || fail "it began again instead of resuming"
[ "$(weights "$WORK/run-killed")" = "$oracle" ] || fail "killed and resumed: other bits"

# Asked to stop, through launch/run.sh: a checkpoint at the step's end, and 75.
RUN_SH="$here/../../launch/run.sh"
PERMAFROST="$PERMAFROST" "$RUN_SH" -np 2 train --cache "$WORK/cache" --run "$WORK/run-stopped" "${tiny[@]}" "${long[@]}" --threads 1 \
  >"$WORK/stopped.log" 2>&1 &
job=$!
wait_for "$job" has_step "$WORK/run-stopped" 2
kill -TERM "$job"
code=0
wait "$job" || code=$?
[ "$code" -eq 75 ] || fail "expected the exit code 75, found $code: $(cat "$WORK/stopped.log")"
[ "$(field "$WORK/run-stopped/status.json" state)" = stopped ] || fail "status.json does not say stopped"
grep -q 'run-stopped: stopped by SIG[A-Z0-9]* at step [0-9]* of [0-9]*, with a checkpoint: start the same command again' \
  "$WORK/stopped.log" || fail "it does not say that it was stopped: $(cat "$WORK/stopped.log")"
[ "$(grep -c '"event":"stopped"' "$WORK/run-stopped/metrics.jsonl")" -eq 1 ] || fail "metrics.jsonl does not say stopped"
train "$WORK/run-stopped"
[ "$(weights "$WORK/run-stopped")" = "$oracle" ] || fail "stopped and resumed: other bits"

# What stops gently, and what does not: USR2, which Slurm sends; TERM and then INT; INT twice, where a rank hangs.
run_sh() { PERMAFROST="$PERMAFROST" exec "$RUN_SH" -np 2 train --cache "$WORK/cache" --run "$1" "${tiny[@]}" "${long[@]}" --threads 1; }
for signals in USR2 "TERM INT" "INT INT"; do
  run=$WORK/run-${signals/ /-}
  (trap - INT; run_sh "$run") >"$WORK/stopped.log" 2>&1 &
  job=$!
  wait_for "$job" has_step "$run" 2
  [ "$signals" != "INT INT" ] || pkill -STOP -n -f "train .*--run $run " || fail "no rank to stop"
  for signal in $signals; do
    kill -"$signal" "$job" 2>/dev/null || true
    wait_for "$job" grep -q 'asked to stop' "$WORK/stopped.log"
  done
  code=0
  wait "$job" || code=$?
  state=$(field "$run/status.json" state)
  case $signals in
    "INT INT") [ "$code" -eq 137 ] && [ "$state" = running ] || fail "$signals: $code, $state: $(cat "$WORK/stopped.log")" ;;
    *) [ "$code" -eq 75 ] && [ "$state" = stopped ] || fail "$signals: $code, $state: $(cat "$WORK/stopped.log")" ;;
  esac
  ! pgrep -f "train .*--run $run " >/dev/null || fail "$signals: a rank is left"
  train "$run"
  [ "$(weights "$run")" = "$oracle" ] || fail "$signals: other bits"
done

# A damaged newest checkpoint: the one before, loudly, and the same bits again.
newest=$(readlink -f "$WORK/run-killed/checkpoints/latest")
printf '\xff' | dd of="$newest/model.safetensors" bs=1 seek=5000 conv=notrunc status=none
train "$WORK/run-killed" 2>"$WORK/damaged.log"
grep -q 'passed over' "$WORK/damaged.log" || fail "no word of the damaged checkpoint"
[ "$(weights "$WORK/run-killed")" = "$oracle" ] || fail "after a damaged checkpoint: other bits"

train "$WORK/run-killed" >"$WORK/again.log" 2>&1
grep -q 'nothing to do' "$WORK/again.log" || fail "a complete run was not recognised: $(cat "$WORK/again.log")"

# A checkpoint after every step changes no bit.
train "$WORK/run-often" --train.checkpoint_every_steps 1 --train.keep_checkpoints 2
[ "$(weights "$WORK/run-often")" = "$oracle" ] || fail "checkpoints after every step: other bits"
[ "$(find "$WORK/run-often/checkpoints" -maxdepth 1 -name 'step-*' | wc -l)" -eq 2 ] || fail "expected the newest 2 checkpoints"

train "$WORK/run-minutes" --train.checkpoint_every_epochs 40 --train.checkpoint_every_minutes 0.0001 --train.keep_checkpoints 3
[ "$(weights "$WORK/run-minutes")" = "$oracle" ] || fail "checkpoints by the clock: other bits"
[ "$(find "$WORK/run-minutes/checkpoints" -maxdepth 1 -name 'step-*' | wc -l)" -eq 3 ] || fail "no checkpoints by the clock"

# Layers that backward runs once more change no bit, in bf16 neither.
train "$WORK/run-recomputed" --train.recompute layers
[ "$(weights "$WORK/run-recomputed")" = "$oracle" ] || fail "recomputed layers: other bits"
train "$WORK/run-bf16" --train.precision bf16 --recipe.epochs 2
train "$WORK/run-bf16-recomputed" --train.precision bf16 --recipe.epochs 2 --train.recompute layers
[ "$(weights "$WORK/run-bf16")" = "$(weights "$WORK/run-bf16-recomputed")" ] || fail "recomputed layers in bf16: other bits"

# A gradient that is not finite: the step is skipped and counted on all ranks alike, and too many of them end the run.
code=0
train "$WORK/run-diverged" --recipe.learning_rate 1000 --recipe.weight_decay 1000 --recipe.warmup_epochs 0 \
  --train.most_skipped_steps 2 >"$WORK/diverged.log" 2>&1 || code=$?
[ "$code" -eq 1 ] || fail "expected the exit code 1, found $code: $(cat "$WORK/diverged.log")"
grep -q 'error: permafrost train: .*run-diverged: step [0-9]*: the gradient is not finite, in 3 steps in a row' "$WORK/diverged.log" ||
  fail "no word of the gradient: $(cat "$WORK/diverged.log")"
[ "$(grep -c '"event":"skipped"' "$WORK/run-diverged/metrics.jsonl")" -eq 2 ] || fail "expected 2 skipped steps in metrics.jsonl"
