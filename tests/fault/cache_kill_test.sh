#!/usr/bin/env bash
# Killed at calls by which a cache is published, torn in the middle of one, or cut off from power with all that was
# not synced lost: the cache is the old or the new one, and the same command ends with the bits of the undisturbed one.
set -euo pipefail
# shellcheck source=tests/fault/lib.sh
source "$(dirname "$0")/lib.sh"

if [ "${1:-}" = --one ]; then  # --one FAULT VERB CALL
  fault=$2 verb=$3 call=$4 folder=$WORK/$3/$2-$4
  start_from "$verb" "$folder"
  code=0
  with_fault "$fault" "$call" "$folder" run_verb "$verb" "$folder" || code=$?
  [ "$code" -eq 137 ] || fail "$verb, $fault at call $call: expected a kill, found exit code $code: $(cat "$folder.log")"
  expect_recovery "$verb" "$folder" "$verb, $fault at call $call ($(tail -n 1 "$folder.trace"))"
  rm -rf "$folder"
  exit
fi

prepare add remove relabel recode repair
for verb in build add remove relabel recode repair; do
  count_calls "$verb"
  try_faults "$verb" 3 kill tear lose-all lose-data lose-removals
done
