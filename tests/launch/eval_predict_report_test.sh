#!/usr/bin/env bash
# Evaluation counts every video once at any number of ranks; predict and report work from what is on disk.
set -euo pipefail
# shellcheck source=tests/launch/lib.sh
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
[ "$(field "$run/eval_shuffled.json" videos)" = "$(field "$WORK/eval-1.json" videos)" ] || fail "shuffled: other videos"
[ "$(field "$run/eval_shuffled.json" frame_order)" = shuffled ] || fail "eval_shuffled.json is of another order"
# In natural order the cache and the videos say the same to the last few bits; the order of frames moves every score.
grep '"score"' "$WORK/eval-online.json" | cut -c1-22 | sort >"$WORK/scores-natural.txt"
grep '"score"' "$run/eval_shuffled.json" | cut -c1-22 | sort >"$WORK/scores-shuffled.txt"
if cmp -s "$WORK/scores-natural.txt" "$WORK/scores-shuffled.txt"; then fail "shuffled frames changed no score"; fi
ranks 2 eval --probe --cache "$WORK/cache" --run "$run"
best=$(tr -d ' \n' <"$run/probe.json" | grep -oE '"l2":[-0-9.e]+,"top1":[0-9.e-]+' | sed 's/.*://' | tee "$WORK/fits.txt" | sort -g | tail -n 1)
[ "$(wc -l <"$WORK/fits.txt")" -eq 3 ] || fail "expected three fits of the probe: $(cat "$run/probe.json")"
[ "$(grep -E '^ "top1"' "$run/probe.json" | grep -oE '[0-9.]+(e-[0-9]+)?,?$' | tr -d ,)" = "$best" ] || fail "the probe's top1 is not its best fit's: $(cat "$run/probe.json")"

# Results of other videos stand beside those of the validation videos.
cp "$run/eval.json" "$WORK/eval-val.json"
ranks 2 eval --cache "$WORK/cache" --run "$run" --eval.split train
cmp "$run/eval.json" "$WORK/eval-val.json" || fail "the evaluation of another split took the place of eval.json"
[ "$(field "$run/eval_train.json" split)" = train ] || fail "eval_train.json is of another split"
"$PERMAFROST" eval --summary --run "$run" | tee "$WORK/summary.txt"
[ "$(grep -c '%' "$WORK/summary.txt")" -eq 4 ] || fail "expected four rows"

clip=$(find "$WORK/demo/videos" -name '*.mp4' ! -name 'broken*' | sort | head -n 1)
"$PERMAFROST" predict --run "$run" --encoder "$WORK/demo/encoder" --json "$clip" >"$WORK/predict.json"
[ "$(grep -c '"label"' "$WORK/predict.json")" -eq 5 ] || fail "expected five classes"
if "$PERMAFROST" predict --run "$run" --encoder "$WORK/demo/encoder" "$WORK/demo/videos/broken_000000_000002.mp4" \
  2>"$WORK/predict.log"; then fail "a broken video was predicted"; fi
[ "$(wc -l <"$WORK/predict.log")" -eq 1 ] || fail "expected one line: $(cat "$WORK/predict.log")"
# A folder: its videos, whatever their names are made of, and none of its other files.
rm -rf "$WORK/folder" && mkdir "$WORK/folder"
cp "$clip" "$WORK/folder/a.MP4"
cp "$clip" "$WORK/folder/$(printf 'caf\xe9.mp4')"
cp "$WORK/list.csv" "$WORK/folder"
"$PERMAFROST" predict --run "$run" --encoder "$WORK/demo/encoder" --json "$WORK/folder" >"$WORK/predict.json" 2>"$WORK/predict.log" ||
  fail "a folder of videos: $(cat "$WORK/predict.log")"
[ "$(grep -c '"video"' "$WORK/predict.json")" -eq 2 ] || fail "expected two videos: $(cat "$WORK/predict.json")"
grep -q '1 files of other names' "$WORK/predict.log" || fail "no word of the skipped file: $(cat "$WORK/predict.log")"

"$PERMAFROST" report --run "$run" --cache "$WORK/cache" --manifest "$WORK/manifest.jsonl" --out "$WORK/report.html"
grep -q '</html>' "$WORK/report.html" || fail "no page"
if grep -qE '(src|href)="https?://' "$WORK/report.html"; then fail "the page loads something"; fi
