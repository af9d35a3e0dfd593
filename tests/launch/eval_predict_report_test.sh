#!/usr/bin/env bash
# Evaluation counts every video once at any number of ranks; predict and report work from what is on disk.
set -euo pipefail
source "$(dirname "$0")/lib.sh"
run=$WORK/run-eval
rm -rf "$run"
ranks 2 train --cache "$WORK/cache" --run "$run" "${tiny[@]}"
for count in 1 2 4; do
  ranks "$count" eval --cache "$WORK/cache" --run "$run" --eval.batch 3 --out "$WORK/eval-$count.json"
  [ "$(field "$WORK/eval-$count.json" videos)" = "$(grep -c ',val$' "$WORK/list.csv")" ] || fail "$count ranks: not every video once"
  # Every prediction and count; scores may differ in their last bits, as batches are cut elsewhere.
  grep -v '"score"' "$WORK/eval-$count.json" | sort >"$WORK/eval-$count.txt"
  cmp "$WORK/eval-$count.txt" "$WORK/eval-1.txt" || fail "$count ranks: other predictions"
done
ranks 2 eval --cache "$WORK/cache" --run "$run"
ranks 2 eval --manifest "$WORK/manifest.jsonl" --encoder "$WORK/demo/encoder" --run "$run" --sampling.eval_views 2 \
  --out "$WORK/eval-online.json"
[ "$(field "$WORK/eval-online.json" videos)" = "$(field "$WORK/eval-1.json" videos)" ] || fail "online: other videos"
ranks 2 eval --manifest "$WORK/manifest.jsonl" --encoder "$WORK/demo/encoder" --run "$run" --sampling.eval_views 2 \
  --sampling.eval_crops 3 --out "$WORK/eval-crops.json"
[ "$(field "$WORK/eval-crops.json" videos)" = "$(field "$WORK/eval-1.json" videos)" ] || fail "three crops: other videos"
ranks 2 eval --manifest "$WORK/manifest.jsonl" --encoder "$WORK/demo/encoder" --run "$run" --eval.frame_order shuffled
ranks 2 eval --probe --cache "$WORK/cache" --run "$run"
"$PERMAFROST" eval --summary --run "$run" | tee "$WORK/summary.txt"
[ "$(grep -c '%' "$WORK/summary.txt")" -eq 4 ] || fail "expected four rows"

clip=$(find "$WORK/demo/videos" -name '*.mp4' ! -name 'broken*' | sort | head -n 1)
"$PERMAFROST" predict --run "$run" --encoder "$WORK/demo/encoder" --json "$clip" >"$WORK/predict.json"
[ "$(grep -c '"label"' "$WORK/predict.json")" -eq 5 ] || fail "expected five classes"
if "$PERMAFROST" predict --run "$run" --encoder "$WORK/demo/encoder" "$WORK/demo/videos/broken_000000_000002.mp4" \
  2>"$WORK/predict.log"; then fail "a broken video was predicted"; fi
[ "$(wc -l <"$WORK/predict.log")" -eq 1 ] || fail "expected one line: $(cat "$WORK/predict.log")"

"$PERMAFROST" report --run "$run" --cache "$WORK/cache" --manifest "$WORK/manifest.jsonl" --out "$WORK/report.html"
grep -q '</html>' "$WORK/report.html" || fail "no page"
if grep -qE '(src|href)="https?://' "$WORK/report.html"; then fail "the page loads something"; fi
