#!/usr/bin/env bash
# A build on two ranks, killed again and again at random times: one rank, mpirun, or all at once. The job is over in less
# than 10 seconds, says which rank was killed, and the builds that went on end with the bits of the undisturbed one.
set -euo pipefail
# shellcheck source=tests/fault/lib.sh
source "$(dirname "$0")/lib.sh"
prepare_kills 20
folder=$WORK/killed
build() {  # build FOLDER: of all clips, so that there is something to interrupt
  exec mpirun -np 2 "$PERMAFROST" cache build --manifest "$DEMO/manifest.jsonl" --encoder "$encoder" --out "$1" "${tiny[@]}" --threads 1
}
start=$(date +%s%N)
(build "$WORK/undisturbed") >"$WORK/undisturbed.log" 2>&1 || fail "$(cat "$WORK/undisturbed.log")"
span_ms=$((($(date +%s%N) - start) / 1000000))

while [ "$kills" -lt "$wanted" ]; do
  kill_at_random $((span_ms * 9 / 10)) build "$folder"
  if [ -e "$folder/index.json" ]; then
    cmp -s "$folder/index.json" "$WORK/undisturbed/index.json" || fail "$what of $victim: another index"
    program cache verify --cache "$folder" --deep >/dev/null || fail "$what of $victim: an index of a bad cache"
    (build "$folder") >"$WORK/log" 2>&1 || fail "$what: started again: $(cat "$WORK/log")"
    same "$folder" "$WORK/undisturbed" || fail "$what of $victim: other files in the end"
    rm -rf "$folder"
    ended=$((ended + 1))
  fi
done
(build "$folder") >"$WORK/log" 2>&1 || fail "after the last kill: $(cat "$WORK/log")"
same "$folder" "$WORK/undisturbed" || fail "after the last kill: other files in the end"
echo "$kills kills, $((ended + 1)) builds ended, each with the same bits"
