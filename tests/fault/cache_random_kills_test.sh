#!/usr/bin/env bash
# A build on two ranks, killed again and again at random times: one rank, mpirun, or all at once. The job is over in less
# than 10 seconds, says which rank was killed, and the builds that went on end with the bits of the undisturbed one.
set -euo pipefail
# shellcheck source=tests/fault/lib.sh
source "$(dirname "$0")/lib.sh"
wanted=${FAULT_KILLS:-20}
seed=${FAULT_SEED:-$RANDOM}
echo "seed $seed (FAULT_SEED)"
RANDOM=$seed
rm -rf "$WORK" && mkdir -p "$WORK"
folder=$WORK/killed
build() {  # build FOLDER: of all clips, so that there is something to interrupt
  exec mpirun -np 2 "$PERMAFROST" cache build --manifest "$DEMO/manifest.jsonl" --encoder "$encoder" --out "$1" "${tiny[@]}" --threads 1
}
start=$(date +%s%N)
(build "$WORK/undisturbed") >"$WORK/undisturbed.log" 2>&1 || fail "$(cat "$WORK/undisturbed.log")"
span_ms=$((($(date +%s%N) - start) / 1000000))

rank_of() { { tr '\0' '\n' <"/proc/$1/environ"; } 2>/dev/null | sed -n 's/^OMPI_COMM_WORLD_RANK=//p'; }
expect_end() {  # expect_end WHAT PID...: all of them within 10 seconds
  local what=$1 pid
  shift
  SECONDS=0
  for pid in "$@"; do
    while kill -0 "$pid" 2>/dev/null && [ "$(cut -d' ' -f3 "/proc/$pid/stat" 2>/dev/null)" != Z ]; do
      [ "$SECONDS" -lt 10 ] || fail "$what: process $pid is still there after 10 seconds: $(cat "$WORK/log")"
      sleep 0.05
    done
  done
}

kills=0 ended=0
victims=(rank rank mpirun all)
while [ "$kills" -lt "$wanted" ]; do
  (build "$folder") >"$WORK/log" 2>&1 &
  job=$!
  delay_ms=$((RANDOM % (span_ms * 9 / 10)))
  sleep "$(printf '%d.%03d' $((delay_ms / 1000)) $((delay_ms % 1000)))"
  mapfile -t ranks < <(pgrep -P "$job")
  victim=${victims[kills % 4]} what="kill $kills after $delay_ms ms"
  [ "${#ranks[@]}" -gt 0 ] || victim=all  # the ranks are not started yet, or ended
  case $victim in
    rank) killed=${ranks[RANDOM % ${#ranks[@]}]} && rank=$(rank_of "$killed") && [ -n "$rank" ] && kill -KILL "$killed" 2>/dev/null ;;
    mpirun) kill -KILL "$job" 2>/dev/null ;;
    all) kill -KILL "$job" "${ranks[@]}" 2>/dev/null ;;
  esac && kills=$((kills + 1)) || victim=none
  expect_end "$what of $victim" "$job" "${ranks[@]}"
  code=0
  wait "$job" 2>/dev/null || code=$?
  if [ "$victim" = rank ] && [ "$code" -ne 0 ]; then
    grep -q "rank $rank " "$WORK/log" || fail "$what: rank $rank is not named: $(cat "$WORK/log")"
  fi
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
