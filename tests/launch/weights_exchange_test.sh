#!/usr/bin/env bash
# Weights go out under the names of the released code and come back: the run that is imported says what the first said,
# and new runs start from either.
set -euo pipefail
# shellcheck source=tests/launch/lib.sh
source "$(dirname "$0")/lib.sh"
golden=$here/../golden
exchange=$WORK/exchange
rm -rf "$exchange"
mkdir -p "$exchange"
tail -n +2 "$WORK/demo/videos/list.csv" | cut -d, -f1 | tr -d '"' | sort -u >"$exchange/labels.txt"
"$PERMAFROST" text --encoder "$golden/clip_text" --vocabulary "$golden/bpe_simple_vocab_16e6.txt.gz" \
  --labels "$exchange/labels.txt" --out "$exchange/text.safetensors"
texts=(--model.head text --text "$exchange/text.safetensors")

ranks 2 train --cache "$WORK/cache" --run "$exchange/a" "${tiny[@]}" "${texts[@]}"
"$PERMAFROST" checkpoint export --run "$exchange/a" --out "$exchange/official.safetensors"
grep -aq '"dist_net.temporal_stem.weight"' "$exchange/official.safetensors" || fail "not the released names"
"$PERMAFROST" checkpoint import --from "$exchange/official.safetensors" --encoder "$WORK/demo/encoder" \
  --text "$exchange/text.safetensors" --run "$exchange/b" "${tiny[@]}" >"$exchange/import.txt"
grep -q 'missing 0; left over 0' "$exchange/import.txt" || fail "keys: $(cat "$exchange/import.txt")"
for run in a b; do ranks 1 eval --cache "$WORK/cache" --run "$exchange/$run" --out "$exchange/eval-$run.json"; done
grep -v '"step"' "$exchange/eval-a.json" >"$exchange/eval-a.txt"
grep -v '"step"' "$exchange/eval-b.json" | cmp - "$exchange/eval-a.txt" || fail "the imported run says otherwise"

# An import never hides a run's own checkpoints.
if "$PERMAFROST" checkpoint import --from "$exchange/official.safetensors" --encoder "$WORK/demo/encoder" \
  --text "$exchange/text.safetensors" --run "$exchange/a" "${tiny[@]}" 2>"$exchange/again.log"; then
  fail "an import into a trained run"
fi
grep -q 'has checkpoints already' "$exchange/again.log" || fail "unclear: $(cat "$exchange/again.log")"

# A new run starts from a run and from a file alike, and not from nothing.
one=("${tiny[@]}" "${texts[@]}" --recipe.epochs 1)
ranks 1 train --cache "$WORK/cache" --run "$exchange/c" "${one[@]}" --init-from "$exchange/a"
ranks 1 train --cache "$WORK/cache" --run "$exchange/d" "${one[@]}" --init-from "$exchange/official.safetensors"
ranks 1 train --cache "$WORK/cache" --run "$exchange/e" "${one[@]}"
[ "$(weights "$exchange/c")" = "$(weights "$exchange/d")" ] || fail "run and file start differently"
[ "$(weights "$exchange/c")" != "$(weights "$exchange/e")" ] || fail "--init-from changes nothing"

# Other classes than it was trained on, by their names alone.
{ cat "$exchange/labels.txt" && echo "juggling fire"; } >"$exchange/more.txt"
"$PERMAFROST" text --encoder "$golden/clip_text" --vocabulary "$golden/bpe_simple_vocab_16e6.txt.gz" \
  --labels "$exchange/more.txt" --out "$exchange/more.safetensors"
ranks 2 eval --cache "$WORK/cache" --run "$exchange/a" --text "$exchange/more.safetensors" --eval.clip_weight 0 \
  --out "$exchange/zero.json"
grep -q 'juggling fire' "$exchange/zero.json" || fail "the other classes are not evaluated"
[ "$(field "$exchange/zero.json" videos)" = "$(field "$exchange/eval-a.json" videos)" ] || fail "zero-shot: other videos"
