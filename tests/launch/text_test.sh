#!/usr/bin/env bash
# `permafrost text`: class names to features once, and what it says where it cannot. Needs no data set.
set -euo pipefail
source "$(dirname "$0")/lib.sh"
golden="$here/../golden"
WORK="$WORK-text"
rm -rf "$WORK"
mkdir -p "$WORK"
vocabulary=(--vocabulary "$golden/bpe_simple_vocab_16e6.txt.gz")
text() { "$PERMAFROST" text --encoder "$golden/clip_text" --threads 1 "$@"; }
refused() {  # refused CODE PATTERN ARGUMENTS...
  local code=0 expected=$1 pattern=$2
  shift 2
  text "$@" >/dev/null 2>"$WORK/err" || code=$?
  [ "$code" -eq "$expected" ] || fail "text $*: exit code $code, expected $expected: $(cat "$WORK/err")"
  grep -qE -- "$pattern" "$WORK/err" || fail "text $*: expected '$pattern', found: $(cat "$WORK/err")"
  [ "$(wc -l <"$WORK/err")" -eq 1 ] || fail "text $*: more than one line: $(cat "$WORK/err")"
}

text --labels ucf101 --out "$WORK/a.safetensors" "${vocabulary[@]}" --json >"$WORK/a.json" 2>/dev/null
[ "$(field "$WORK/a.json" classes)" = 101 ] || fail "expected 101 classes: $(cat "$WORK/a.json")"
[ "$(field "$WORK/a.json" embedding)" = 24 ] || fail "expected 24 columns: $(cat "$WORK/a.json")"

before=$(stat -c %Y.%i "$WORK/a.safetensors")
text --labels ucf101 --out "$WORK/a.safetensors" "${vocabulary[@]}" 2>&1 | grep -q 'nothing to do' || fail "made twice"
[ "$(stat -c %Y.%i "$WORK/a.safetensors")" = "$before" ] || fail "a finished file was written again"

text --labels ucf101 --out "$WORK/a.safetensors" "${vocabulary[@]}" --template "a video of {}." --template "{}" --json \
  >"$WORK/b.json" 2>/dev/null
[ "$(field "$WORK/a.json" sha256)" != "$(field "$WORK/b.json" sha256)" ] || fail "templates change nothing"
grep -q '"a video of {}.","{}"' "$WORK/b.json" || fail "expected two templates: $(cat "$WORK/b.json")"

printf 'walking\nCafé &amp; dance\n' >"$WORK/mine.txt"
text --labels "$WORK/mine.txt" --out "$WORK/c.safetensors" "${vocabulary[@]}" --json 2>/dev/null | grep -q '"classes":2' ||
  fail "expected the two classes of a file"

refused 2 'no vocab.json and merges.txt: give --vocabulary' --labels ucf101 --out "$WORK/x"
refused 2 "did you mean 'kinetics400'" --labels kinetics40 --out "$WORK/x" "${vocabulary[@]}"
refused 2 "template 'video'.*\{\}" --labels ucf101 --out "$WORK/x" "${vocabulary[@]}" --template video
refused 1 'no/such.txt.gz' --labels ucf101 --out "$WORK/x" --vocabulary no/such.txt.gz
refused 1 'no/encoder' --encoder no/encoder --labels ucf101 --out "$WORK/x" "${vocabulary[@]}"
refused 2 'expected --labels' --out "$WORK/x"
[ ! -e "$WORK/x" ] || fail "a refused command left a file"
