#!/usr/bin/env bash
# Bad input: one line that names the thing and the fix, and the exit code of DESIGN.md; nothing is lost.
set -euo pipefail
source "$(dirname "$0")/lib.sh"
expect() {  # expect CODE LINES PATTERN COMMAND...
  local code=0 expected=$1 lines=$2 pattern=$3
  shift 3
  "$@" >"$WORK/bad.out" 2>"$WORK/bad.err" || code=$?
  [ "$code" -eq "$expected" ] || fail "$*: exit code $code, expected $expected: $(cat "$WORK/bad.err")"
  [ "$(wc -l <"$WORK/bad.err")" -eq "$lines" ] || fail "$*: expected $lines lines, found: $(cat "$WORK/bad.err")"
  grep -qE "$pattern" "$WORK/bad.err" || fail "$*: expected '$pattern', found: $(cat "$WORK/bad.err")"
}
p=$PERMAFROST
printf '[recipe]\nepoch = 3\n[sampling]\nframe = 8\n' >"$WORK/typos.ini"
printf '[recipe]\nbatch = many\n[sampling]\nframes = 7\n' >"$WORK/values.ini"
printf '[recipe]\nbatch = 100000\n' >"$WORK/batch.ini"

expect 2 1 "did you mean 'train'" "$p" trian
expect 2 2 "did you mean 'recipe.epochs'" "$p" train --config "$WORK/typos.ini" --cache a --run b
expect 2 1 "'recipe.batch' is 'many', expected INTEGER" "$p" train --config "$WORK/values.ini" --cache a --run b
expect 2 1 "multiple of sampling.alpha" "$p" cache build --sampling.frames 7
expect 2 1 'expected --cache' "$p" train --run "$WORK/no-run"
expect 1 1 'no/such.ini: cannot open: No such file' "$p" train --config no/such.ini
expect 1 1 'no/list.csv: cannot open' "$p" dataset scan --list no/list.csv --root . --out "$WORK/x.jsonl"
expect 1 1 'no/manifest: cannot' "$p" cache build --manifest no/manifest --encoder no/encoder --out "$WORK/x"
expect 1 1 'no/encoder/config.json: cannot open' "$p" cache build --manifest "$WORK/manifest.jsonl" --encoder no/encoder --out "$WORK/x"
expect 1 1 'no/cache' "$p" train --cache no/cache --run "$WORK/x"
expect 1 1 'expected a run with checkpoints' "$p" eval --cache "$WORK/cache" --run no/run
expect 2 1 'one of f16|f16, bf16, int8' "$p" cache build --cache.codec f61 --manifest "$WORK/manifest.jsonl" --encoder "$WORK/demo/encoder" --out "$WORK/x"
expect 2 1 'batch' "$p" train --config "$WORK/batch.ini" --cache "$WORK/cache" --run "$WORK/x"
[ ! -e "$WORK/x/checkpoints/latest" ] || fail "a refused run left a checkpoint"
"$p" help | grep -q 'cache' || fail "no overview"
"$p" train --help | grep -q -- '--recipe.epochs' || fail "no help"
"$p" train --print-config --recipe.epochs 7 | grep -q 'recipe.epochs = 7  # command line' || fail "no origin"
