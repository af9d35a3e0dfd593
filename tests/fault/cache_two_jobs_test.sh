#!/usr/bin/env bash
# One job at a time changes a cache: the second stops with host and process of the first, harms nothing, and once the
# first is gone, however it went, the next one goes on. A source that changes under a recode does not end in its copy.
set -euo pipefail
# shellcheck source=tests/fault/lib.sh
source "$(dirname "$0")/lib.sh"
prepare add remove relabel recode

halt() {  # halt FOLDER CALL COMMAND...: sets `job`, the process that waits at this call with the folder's lock
  with_fault stop "$2" "$1" "${@:3}" &
  shell=$!
  until job=$(sed -n 's/^pid \([0-9]*\) on .*/\1/p' "$1/.lock" 2>/dev/null) &&
    [ "$(cut -d' ' -f3 "/proc/${job:-0}/stat" 2>/dev/null)" = T ]; do
    kill -0 "$shell" 2>/dev/null || fail "ended before call $2: $(cat "$1.log")"
    sleep 0.02
  done
}
expect_refusal() {  # expect_refusal VERB FOLDER
  local code=0
  run_verb "$1" "$2" >"$WORK/refused.log" 2>&1 || code=$?
  [ "$code" -eq 1 ] || fail "$1 beside another job: expected exit code 1, found $code: $(cat "$WORK/refused.log")"
  grep -q "error: permafrost cache: $2: in use by pid $job on $(hostname): wait for it, or stop it" "$WORK/refused.log" ||
    fail "$1: the owner, pid $job on $(hostname), is not named: $(cat "$WORK/refused.log")"
  [ "$(grep -c ' error: ' "$WORK/refused.log")" -eq 1 ] || fail "$1: expected one line: $(cat "$WORK/refused.log")"
}

for owner in build add remove relabel recode; do
  folder=$WORK/$owner/owned
  count_calls "$owner"
  middle=$(($(wc -l <"$WORK/$owner/counted.trace") / 2))
  # Refused at each point; then the owner ends as if alone.
  start_from "$owner" "$folder"
  halt "$folder" "$middle" run_verb "$owner" "$folder"
  case $owner in
    build) refused=(build add remove relabel recode repair) ;;
    *) refused=(build "$owner") ;;
  esac
  for verb in "${refused[@]}"; do expect_refusal "$verb" "$folder"; done
  kill -CONT "$job"
  wait "$shell" || fail "$owner, watched by others: $(cat "$folder.log")"
  same "$folder" "$WORK/$owner/new" || fail "$owner: others have changed the cache: $(ls -la "$folder")"
  # Dead, it owns nothing, though its name stands in the lock.
  start_from "$owner" "$folder"
  halt "$folder" "$middle" run_verb "$owner" "$folder"
  kill -KILL "$job"
  wait "$shell" 2>/dev/null || true
  grep -q "pid $job on" "$folder/.lock" || fail "$owner: its lock does not name it"
  expect_recovery "$owner" "$folder" "$owner, killed with the lock"
done

# Two ranks are refused as one is: by one line.
start_from build "$WORK/owned"
halt "$WORK/owned" 10 run_verb build "$WORK/owned"
code=0
mpirun -np 2 "$PERMAFROST" cache build --manifest "$WORK/some.jsonl" --encoder "$encoder" --out "$WORK/owned" "${small[@]}" \
  --threads 1 >"$WORK/refused.log" 2>&1 || code=$?
[ "$code" -eq 1 ] || fail "two ranks: expected exit code 1, found $code: $(cat "$WORK/refused.log")"
[ "$(grep -c "in use by pid $job on $(hostname)" "$WORK/refused.log")" -eq 1 ] || fail "two ranks: $(cat "$WORK/refused.log")"
kill -KILL "$job"
wait "$shell" 2>/dev/null || true

# A recode of a cache that another job changes meanwhile is refused; the copy is not published.
cp -r "$WORK/build/new" "$WORK/source"
recode() { program cache recode --cache "$WORK/source" --out "$WORK/copy" --codec int4; }
halt "$WORK/copy" 5 recode
run_verb remove "$WORK/source" >"$WORK/remove.log" 2>&1 || fail "$(cat "$WORK/remove.log")"
kill -CONT "$job"
code=0
wait "$shell" || code=$?
[ "$code" -eq 1 ] || fail "a source that changed: expected exit code 1, found $code: $(cat "$WORK/copy.log")"
grep -qE 'error: permafrost cache: .*/source/shard-[0-9]+.h5: ' "$WORK/copy.log" || fail "$(cat "$WORK/copy.log")"
[ ! -e "$WORK/copy/index.json" ] || fail "a copy of a cache that changed was published"
recode >"$WORK/copy.log" 2>&1 || fail "started again: $(cat "$WORK/copy.log")"
program cache verify --cache "$WORK/copy" --deep >/dev/null || fail "the copy does not verify"
if grep -q -f "$WORK/removed.txt" "$WORK"/copy/*.h5; then fail "a removed video is in the copy"; fi
