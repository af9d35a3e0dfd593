#!/usr/bin/env bash
# A full or failing disk at calls by which a cache is published: exit code 1, one line with path and reason, nothing
# half-written, never a word of success; once there is room the same command ends with the same bits.
set -euo pipefail
# shellcheck source=tests/fault/lib.sh
source "$(dirname "$0")/lib.sh"
success=': complete: |videos removed|have another class now|: whole'

expect_one_error() {  # expect_one_error FOLDER WHAT REASON
  [ "$(grep -c ' error: ' "$1.log")" -eq 1 ] || fail "$2: expected one line of error: $(cat "$1.log")"
  grep -q " error: permafrost cache: .*$1.*: $3" "$1.log" || fail "$2: expected path and '$3': $(cat "$1.log")"
  if grep -qE "$success" "$1.log"; then fail "$2: says that it is done: $(cat "$1.log")"; fi
}

# HDF5 opens a new file twice: where only the first fails, nothing did.
is_tried_again() {  # is_tried_again TRACE
  awk '/ !$/ { kind = $2; path = $3; next }
       path != "" { again = kind == "create" && $2 == kind && $3 == path; exit }
       END { exit !again }' "$1"
}

if [ "${1:-}" = --one ]; then  # --one FAULT VERB CALL
  fault=$2 verb=$3 call=$4 folder=$WORK/$3/$2-$4
  what="$verb, $fault at call $call"
  start_from "$verb" "$folder"
  code=0
  with_fault "$fault" "$call" "$folder" run_verb "$verb" "$folder" || code=$?
  case $fault in
    ENOSPC*) reason='No space left on device' ;;
    EIO*) reason='Input/output error' ;;
  esac
  if [ "$code" -eq 0 ] && is_tried_again "$folder.trace"; then
    same "$folder" "$WORK/$verb/new" || fail "$what: overcome, but other files: $(ls -la "$folder")"
  elif grep -q ' !$' "$folder.trace"; then
    [ "$code" -eq 1 ] || fail "$what: expected exit code 1, found $code: $(cat "$folder.log")"
    expect_one_error "$folder" "$what ($(grep -m 1 ' !$' "$folder.trace"))" "$reason"
    [[ $fault == *-on ]] || [ -z "$(find "$folder" -name '*.partial-*')" ] || fail "$what: half-written: $(ls "$folder")"
  else  # a call that needs no space
    [ "$code" -eq 0 ] || fail "$what: nothing failed, exit code $code: $(cat "$folder.log")"
  fi
  expect_recovery "$verb" "$folder" "$what"
  rm -rf "$folder"
  exit
fi

prepare add remove relabel recode
for verb in build add remove relabel recode; do
  count_calls "$verb"
  try_faults "$verb" 2 ENOSPC ENOSPC-on EIO EIO-on

  # Every write writes half of what it is asked to.
  start_from "$verb" "$WORK/$verb/short"
  with_fault short 1 "$WORK/$verb/short" run_verb "$verb" "$WORK/$verb/short" || fail "$verb, short writes: $(cat "$WORK/$verb/short.log")"
  same "$WORK/$verb/short" "$WORK/$verb/new" || fail "$verb: other bytes after short writes"
done

# A limit on the size of files; PMIx would use larger ones of its own.
start_from build "$WORK/limited"
code=0
(export PMIX_MCA_gds=hash && ulimit -f 16 && run_verb build "$WORK/limited" >"$WORK/limited.log" 2>&1) || code=$?
[ "$code" -eq 1 ] || fail "ulimit -f: expected exit code 1, found $code: $(cat "$WORK/limited.log")"
expect_one_error "$WORK/limited" 'ulimit -f' 'File too large'
expect_recovery build "$WORK/limited" 'ulimit -f'

# Too little room is told before the first shard, by whoever writes shards.
for verb in build add remove recode; do
  folder=$WORK/$verb/little-room
  start_from "$verb" "$folder"
  code=0
  FAULT_FREE_BYTES=5000 with_fault none 0 "$folder" run_verb "$verb" "$folder" || code=$?
  [ "$code" -eq 1 ] || fail "$verb, little room: expected exit code 1, found $code: $(cat "$folder.log")"
  expect_one_error "$folder" "$verb, little room" '[0-9.]* GB to be written, [0-9.]* GB free: make room'
  if grep -q 'shard-' "$folder.trace"; then fail "$verb, little room: began a shard: $(cat "$folder.trace")"; fi
  expect_recovery "$verb" "$folder" "$verb, little room"
done

# One rank's full disk ends the job of all.
start_from build "$WORK/two-ranks"
code=0
with_fault ENOSPC-on 9 "$WORK/two-ranks" mpirun -np 2 "$PERMAFROST" cache build --manifest "$WORK/some.jsonl" \
  --encoder "$encoder" --out "$WORK/two-ranks" "${small[@]}" --threads 1 || code=$?
[ "$code" -eq 1 ] || fail "two ranks, full disk: expected exit code 1, found $code: $(cat "$WORK/two-ranks.log")"
grep -q "error: permafrost cache: $WORK/two-ranks.*No space left" "$WORK/two-ranks.log" || fail "$(cat "$WORK/two-ranks.log")"
expect_recovery build "$WORK/two-ranks" 'two ranks, full disk'
