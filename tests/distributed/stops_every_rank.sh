#!/usr/bin/env bash
# stops_every_rank.sh MPIRUN PROGRAM: USR2 to mpirun reaches the ranks, all leave after the same step, mpirun gives
# their exit code, 75.
set -euo pipefail
mpirun=$1 program=$2
log=$(mktemp)
trap 'rm -f "$log"' EXIT
"$mpirun" 2 "$program" stop >"$log" 2>&1 &
job=$!
until [ "$(grep -c '^ready$' "$log")" -eq 2 ]; do
  kill -0 "$job" 2>/dev/null || break
  sleep 0.05
done
kill -USR2 "$job"
code=0
wait "$job" || code=$?
if [ "$code" -ne 75 ] || [ "$(grep -c 'is done' "$log")" -ne 2 ]; then
  echo "expected 2 ranks done and exit code 75, found $code; the log:"
  cat "$log"
  exit 1
fi
