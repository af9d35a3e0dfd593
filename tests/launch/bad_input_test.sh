#!/usr/bin/env bash
# Bad input: one line that names the thing and the fix, and the exit code that core/base/error.h gives it; nothing is lost.
set -euo pipefail
# shellcheck source=tests/launch/lib.sh
source "$(dirname "$0")/lib.sh"
expect() {  # expect CODE LINES PATTERN COMMAND...: LINES may be `any`
  local code=0 expected=$1 lines=$2 pattern=$3
  shift 3
  "$@" >"$WORK/bad.out" 2>"$WORK/bad.err" || code=$?
  [ "$code" -eq "$expected" ] || fail "$*: exit code $code, expected $expected: $(cat "$WORK/bad.err")"
  [ "$lines" = any ] || [ "$(wc -l <"$WORK/bad.err")" -eq "$lines" ] || fail "$*: expected $lines lines, found: $(cat "$WORK/bad.err")"
  grep -qE "$pattern" "$WORK/bad.err" || fail "$*: expected '$pattern', found: $(cat "$WORK/bad.err")"
}
p=$PERMAFROST
mkdir -p "$WORK/told"
rm -f "$WORK"/told/*
echo '{"state": "done", "step": 1, "steps": 1}' >"$WORK/told/status.json"
printf '[recipe]\nepoch = 3\n[sampling]\nframe = 8\n' >"$WORK/typos.ini"
printf '[recipe]\nbatch = many\n[sampling]\nframes = 7\n' >"$WORK/values.ini"
printf '[recipe]\nbatch = 16.5\nlearning_rate = nan\n' >"$WORK/numbers.ini"
printf '[recipe]\nbatch = 16\nepochs = 3\nbatch = 32\n' >"$WORK/twice.ini"
printf '[model]\nhead = linear\n[recipe]\nbatch = 100000\n' >"$WORK/batch.ini"

expect 2 1 "did you mean 'train'" "$p" trian
expect 2 2 "did you mean 'recipe.epochs'" "$p" train --config "$WORK/typos.ini" --cache a --run b
expect 2 2 "'recipe.batch' is 'many', expected INTEGER" "$p" train --config "$WORK/values.ini" --cache a --run b
expect 2 2 "'recipe.learning_rate' is nan, expected 0 to" "$p" train --config "$WORK/numbers.ini" --cache a --run b
expect 2 1 "'recipe.batch' is given twice" "$p" train --config "$WORK/twice.ini" --cache a --run b
expect 2 1 "'recipe.epochs' is inf, expected" "$p" train --recipe.epochs inf --cache a --run b
expect 2 2 "'recipe.warmup_start' is -5, expected" "$p" train --recipe.warmup_start -5 --recipe.weight_decay=-1 --cache a --run b
expect 2 1 "'model.temporal_dim' is 0, expected" "$p" train --model.temporal_dim 0 --cache a --run b
expect 2 2 "no use for the word 'stray'" "$p" train stray words --cache a --run b
expect 2 2 'no use for --eval.split: see permafrost train --help' "$p" train --out foo --eval.split val --cache a --run b
expect 2 1 'expected --cache or --manifest, found both' "$p" eval --run a --cache b --manifest c --encoder d
expect 2 1 'expected --cache, or --manifest with --encoder, found --manifest alone' "$p" eval --run a --manifest c
expect 2 1 'eval without --combine has no use for --weights' "$p" eval --run a --cache b --weights 1,2
expect 2 1 'eval --combine has no use for --run' "$p" eval --combine a b --run c
expect 2 2 'eval --probe has no use for --text' "$p" eval --probe --run a --cache b --checkpoint best --text c
expect 2 1 'eval --summary has no use for --json' "$p" eval --summary --run a --json
expect 2 1 'device: a run given with --from ran on its own device' "$p" plan --simulate --from a --device cuda
expect 2 1 "'device' is cuda, expected a GPU, found none: give --device cpu" env CUDA_VISIBLE_DEVICES= "$p" bench gemm --device cuda
expect 2 1 "multiple of sampling.alpha" "$p" cache build --sampling.frames 7
expect 2 1 'expected --cache, or --manifest with --encoder, or all three: see permafrost train --help' "$p" train --run "$WORK/no-run"
expect 1 1 'no/such.ini: cannot open: No such file' "$p" train --config no/such.ini
expect 1 1 'no/list.csv: cannot open' "$p" dataset scan --list no/list.csv --root . --out "$WORK/x.jsonl"
expect 1 1 'no/manifest: cannot' "$p" cache build --manifest no/manifest --encoder no/encoder --out "$WORK/x"
expect 1 1 'no/encoder: expected the folder of a frozen encoder, found none' "$p" cache build --manifest "$WORK/manifest.jsonl" --encoder no/encoder --out "$WORK/x"
expect 1 1 'no/cache: expected the folder of a cache, found none' "$p" train --cache no/cache --run "$WORK/x"
expect 1 1 'expected a run with checkpoints' "$p" eval --cache "$WORK/cache" --run no/run
expect 2 1 'expected f32|f16|bf16|int8|fp8|int4|lowrank' "$p" cache build --cache.codec f61 --manifest "$WORK/manifest.jsonl" --encoder "$WORK/demo/encoder" --out "$WORK/x"
expect 2 1 'batch' "$p" train --config "$WORK/batch.ini" --cache "$WORK/cache" --run "$WORK/x"
[ ! -e "$WORK/x/checkpoints/latest" ] || fail "a refused run left a checkpoint"
expect 1 1 "$WORK/no/x.html: cannot create: No such file or directory: check the path" "$p" report --run "$WORK/told" --out "$WORK/no/x.html"
expect 2 any 'a linear head has no use for class texts' "$p" train "${tiny[@]}" --cache "$WORK/cache" --run "$WORK/texted" --text no/text
expect 1 1 'no/manifest: cannot stat: No such file' "$p" report --run "$WORK/told" --manifest no/manifest
expect 1 1 'no/cache/index.json: cannot open' "$p" report --run "$WORK/told" --cache no/cache
expect 1 1 'expected the folder of a run, found none' "$p" eval --summary --run "$WORK/no-run"
expect 1 1 'expected eval.json, found none' "$p" eval --summary --run "$WORK/told"
expect 1 1 'expected the folder of a run, found none' "$p" eval --probe --cache "$WORK/cache" --run "$WORK/no-run"
[ ! -e "$WORK/no-run" ] || fail "a refused evaluation made a folder"
echo '{"step": 1, "chance": null, "top1": 0.5}' >"$WORK/told/eval.json"
expect 1 1 "expected a number as 'chance', found null" "$p" eval --summary --run "$WORK/told"
echo '{"step": 1, "chance": 0.1, "top1": 1, "split": "train"}' >"$WORK/told/eval.json"
expect 1 1 'expected the result of the split val, found "train"' "$p" eval --summary --run "$WORK/told"

# Lists of which nothing can be used.
mkdir -p "$WORK/empty"
scan() { "$p" dataset scan --out "$WORK/x.jsonl" "$@"; }
head -c 2000 /dev/urandom >"$WORK/bytes.csv"
printf 'a.mp4\nb.mp4\n' >"$WORK/labels.csv"
expect 1 any 'found none among .*: the first is rejected: .*bytes.csv:[0-9]+: ' scan --list "$WORK/bytes.csv" --root "$WORK"
expect 1 any 'rejected: no label: .*labels.csv:1: the list names no class' scan --list "$WORK/labels.csv" --root "$WORK"
expect 1 1 'expected the folder of the videos, found a file' scan --list "$WORK/list.csv" --root "$WORK/list.csv"
expect 1 1 'expected files named as videos .*, found 0 files' "$p" predict --run a --encoder b "$WORK/empty"
cp "$WORK/list.csv" "$WORK/demo/videos/here.csv"
(cd "$WORK/demo/videos" && scan --list here.csv 2>"$WORK/here.err") || fail "a list in the current folder: $(cat "$WORK/here.err")"

# Several ranks, one voice: each fault is told once.
code=0
"$here/../mpirun.sh" 2 "$p" train --config "$WORK/typos.ini" --cache a --run b >"$WORK/ranks.out" 2>&1 || code=$?
[ "$code" -eq 2 ] || fail "two ranks: exit code $code, expected 2: $(cat "$WORK/ranks.out")"
[ "$(grep -c 'did you mean' "$WORK/ranks.out")" -eq 2 ] || fail "two ranks: expected two faults: $(cat "$WORK/ranks.out")"
"$here/../mpirun.sh" 2 "$p" train --print-config >"$WORK/ranks.out" 2>&1
[ "$(grep -c '^recipe.epochs' "$WORK/ranks.out")" -eq 1 ] || fail "two ranks: print-config $(cat "$WORK/ranks.out")"

code=0
"$here/../../launch/run.sh" -np 2>"$WORK/run.err" || code=$?
[ "$code" -eq 2 ] || fail "run.sh -np: exit code $code, expected 2: $(cat "$WORK/run.err")"

says() {  # says PATTERN COMMAND...: the command succeeds and prints it
  local pattern=$1
  shift
  "$@" >"$WORK/says.out" || fail "$*: exit code $?"
  grep -q -- "$pattern" "$WORK/says.out" || fail "$*: expected '$pattern', found: $(cat "$WORK/says.out")"
}
for help in help -h --help; do says 'cache' "$p" "$help"; done
for help in help -h --help; do says '--recipe.epochs' "$p" train "$help"; done
says '--summary' "$p" eval --help
says '--sampling.eval_views' "$p" eval --help
says '^permafrost [0-9.]*, LibTorch' "$p" --version
says 'recipe.epochs = 7  # command line' "$p" train --print-config --recipe.epochs 7
