#!/usr/bin/env bash
# Evaluation while training: its result is eval's, it changes no bit, the best checkpoint outlives newer ones, and the
# average of the weights is what is evaluated, exported and resumed.
set -euo pipefail
# shellcheck source=tests/launch/lib.sh
source "$(dirname "$0")/lib.sh"
rm -rf "$WORK"/validated* "$WORK"/plain
train() {  # train RUN [OPTION ...]
  ranks 2 train --cache "$WORK/cache" --run "$1" "${tiny[@]}" "${@:2}" >"$WORK/validated.log" 2>&1 || fail "$(cat "$WORK/validated.log")"
}
evaluated() { ranks 1 eval --run "$1" --cache "$WORK/cache" --json "${@:2}" >"$WORK/eval.json" && field "$WORK/eval.json" top1; }
events() { grep '"event":"evaluated"' "$1/metrics.jsonl" | sed 's/"time":"[^"]*",//'; }
top1_at() { events "$1" | grep "\"step\":$2,\|\"step\":$2}" | grep -o '"top1":[0-9.]*' | cut -d: -f2; }

train "$WORK/plain"
oracle=$(weights "$WORK/plain")
train "$WORK/validated" --train.evaluate_every_epochs 1 --train.keep_checkpoints 1
[ "$(weights "$WORK/validated")" = "$oracle" ] || fail "evaluating changes the weights"
[ "$(events "$WORK/validated" | wc -l)" -eq 3 ] || fail "expected 3 evaluations: $(events "$WORK/validated")"
[ "$(evaluated "$WORK/validated")" = "$(top1_at "$WORK/validated" 12)" ] || fail "eval finds another accuracy than training did"

# The best is kept beside the newest, and is what --checkpoint best takes.
best=$(for step in 4 8 12; do echo "$(top1_at "$WORK/validated" $step) $step"; done | sort -k1,1gr -k2,2g | head -n 1)
best_step=$(printf 'step-%08d' "${best#* }")
[ "$(readlink "$WORK/validated/checkpoints/best")" = "$best_step" ] || fail "best is not $best_step, of $best"
kept=$(find "$WORK/validated/checkpoints" -maxdepth 1 -name 'step-*' -printf '%f\n' | sort | tr '\n' ' ')
expected=$(printf '%s\n' "$best_step" step-00000012 | sort -u | tr '\n' ' ')
[ "$kept" = "$expected" ] || fail "kept $kept, expected $expected"
[ "$(evaluated "$WORK/validated" --checkpoint best)" = "${best% *}" ] || fail "--checkpoint best is not the best"
"$PERMAFROST" checkpoint info --run "$WORK/validated" | grep -q "^best: .*$best_step" || fail "checkpoint info does not name the best"

# The average: other weights to evaluate with, the same to learn with, also killed and resumed.
averaged=(--train.evaluate_every_epochs 1 --recipe.ema_decay 0.9)
train "$WORK/validated-average" "${averaged[@]}"
[ "$(weights "$WORK/validated-average")" = "$oracle" ] || fail "the average changes the weights"
"$PERMAFROST" checkpoint export --run "$WORK/validated-average" --out "$WORK/average.safetensors" >/dev/null
"$PERMAFROST" checkpoint export --run "$WORK/plain" --out "$WORK/weights.safetensors" >/dev/null
! cmp -s "$WORK/average.safetensors" "$WORK/weights.safetensors" || fail "the export is not the average"
cp -r "$WORK/validated-average" "$WORK/validated-resumed"
rm -r "$WORK/validated-resumed/checkpoints/step-00000012"
train "$WORK/validated-resumed" "${averaged[@]}"
"$PERMAFROST" checkpoint export --run "$WORK/validated-resumed" --out "$WORK/resumed.safetensors" >/dev/null
cmp "$WORK/average.safetensors" "$WORK/resumed.safetensors" || fail "resumed: another average"
[ "$(evaluated "$WORK/validated-average")" = "$(top1_at "$WORK/validated-average" 12)" ] || fail "eval does not use the average"

# Features computed in the step: the same videos, from their files.
ranks 2 train --manifest "$WORK/manifest.jsonl" --encoder "$WORK/demo/encoder" --run "$WORK/validated-online" "${tiny[@]}" \
  --train.evaluate_every_epochs 3 >"$WORK/validated.log" 2>&1 || fail "$(cat "$WORK/validated.log")"
[ "$(events "$WORK/validated-online" | grep -o '"videos":[0-9]*')" = "$(events "$WORK/validated" | tail -n 1 | grep -o '"videos":[0-9]*')" ] ||
  fail "online: other videos: $(events "$WORK/validated-online")"

# Asked to stop while it evaluates: the checkpoint is there already, the evaluation is made when the run goes on.
slowly=(--manifest "$WORK/manifest.jsonl" --encoder "$WORK/demo/encoder" "${tiny[@]}" --train.evaluate_every_epochs 1
  --sampling.eval_views 100)
ranks 2 train --run "$WORK/validated-oracle" "${slowly[@]}" >"$WORK/validated.log" 2>&1 || fail "$(cat "$WORK/validated.log")"
run=$WORK/validated-stopped
ranks 2 train --run "$run" "${slowly[@]}" >"$WORK/validated.log" 2>&1 &
job=$!
wait_for "$job" test -e "$run/checkpoints/latest"
pkill -USR2 -f "train --run $run" || fail "no process of the run"
code=0
wait "$job" || code=$?
[ "$code" -eq 75 ] || fail "expected the exit code 75, found $code: $(cat "$WORK/validated.log")"
[ "$(readlink "$run/checkpoints/latest")" = step-00000004 ] || fail "not stopped in the evaluation of step 4"
[ -z "$(events "$run")" ] || fail "an evaluation that was broken off counts"
ranks 2 train --run "$run" "${slowly[@]}" >"$WORK/validated.log" 2>&1 || fail "$(cat "$WORK/validated.log")"
[ "$(events "$run")" = "$(events "$WORK/validated-oracle")" ] || fail "stopped: other evaluations: $(events "$run")"
[ "$(weights "$run")" = "$(weights "$WORK/validated-oracle")" ] || fail "stopped in an evaluation: other weights"
rm "$run/checkpoints/step-00000012/evaluation.json"  # killed in the last one
ranks 2 train --run "$run" "${slowly[@]}" >"$WORK/validated.log" 2>&1 || fail "$(cat "$WORK/validated.log")"
[ "$(events "$run" | wc -l)" -eq 4 ] && [ "$(events "$run" | tail -n 2 | sort -u | wc -l)" -eq 1 ] || fail "the last evaluation was not made again"

# Scores in files, and their average.
evaluated "$WORK/plain" --scores "$WORK/plain.scores" >"$WORK/plain.top1"
evaluated "$WORK/validated" --checkpoint best --scores "$WORK/best.scores" >/dev/null
combined() { "$PERMAFROST" eval --combine "$WORK/plain.scores" "$WORK/best.scores" --json "$@" >"$WORK/combined.json" && field "$WORK/combined.json" top1; }
[ "$(combined --weights 1,0)" = "$(cat "$WORK/plain.top1")" ] || fail "with all weight on one file another accuracy than its own"
[ "$(combined --weights 0,1)" = "${best% *}" ] || fail "with all weight on the other file another accuracy than its own"
combined >/dev/null
[ "$(field "$WORK/combined.json" videos)" = "$(field "$WORK/eval.json" videos)" ] || fail "combined: other videos"
code=0
combined --weights 1 >"$WORK/validated.log" 2>&1 || code=$?
[ "$code" -eq 2 ] && grep -q 'expected 2 weights' "$WORK/validated.log" || fail "one weight of two: $code, $(cat "$WORK/validated.log")"
