#!/usr/bin/env bash
# Ours and the peer, taking turns in one run; medians, and the ratio's spread (README.md says what each number is).
#
#   tests/bench/compare.sh vit | cached | online          the frozen forward and the training step
#   tests/bench/compare.sh loader CACHE                   records out of a cache
#   tests/bench/compare.sh build MANIFEST ENCODER_DIR     a whole cache build; its peer is our own bare forward
#
# Environment: ARCH (b16), FRAMES (16), BATCH (1), THREADS (2), DTYPE (fp32), STEPS (3), ROUNDS (5); PERMAFROST, the
# program; PEERS, a virtual environment with the packages that README.md lists.
set -euo pipefail
here=$(cd "$(dirname "$0")" && pwd)
root=$here/../..
permafrost=${PERMAFROST:-$root/build/release/permafrost}
python=${PEERS:-$root/build/peers}/bin/python
arch=${ARCH:-b16} frames=${FRAMES:-16} batch=${BATCH:-1} threads=${THREADS:-2} dtype=${DTYPE:-fp32} steps=${STEPS:-3}
rounds=${ROUNDS:-5}

field() { python3 -c 'import json, sys; print(json.loads(sys.stdin.readline())[sys.argv[1]])' "$1"; }
ours() {  # ours NAME [OPTION ...]: units a second
  "$permafrost" bench "$@" --arch "$arch" --frames "$frames" --batch "$batch" --threads "$threads" --dtype "$dtype" \
    --steps "$steps" | field per_second
}
peer() {  # peer MODE: units a second
  "$python" "$here/train_step_peer.py" --mode "$1" --arch "$arch" --frames "$frames" --batch "$batch" \
    --threads "$threads" --dtype "$dtype" --steps "$steps" | field per_second
}
take_turns() {  # take_turns NAME UNIT OURS PEER: two functions, each printing a number
  for ((i = 0; i < rounds; ++i)); do echo "$($3) $($4)"; done | python3 "$here/ratios.py" "$1" "$2"
}

what=${1:?vit, cached, online, loader or build}
case $what in
  vit)
    first() { ours vit; } && second() { peer vit; }
    take_turns "vit $arch $dtype" frames/s first second ;;
  cached | online)
    first() { ours train-step --features "$what"; } && second() { peer "$what"; }
    take_turns "train-step $what $arch F=$frames $dtype" clips/s first second ;;
  loader)
    cache=${2:?a cache}
    first() { "$permafrost" bench loader "$cache" --threads "$threads" | field decoded_clips_per_second; }
    second() { "$python" "$here/loader_peer.py" "$cache" --workers "$threads" --batch 4 | field clips_per_second; }
    take_turns "loader, decoded" clips/s first second ;;
  build)
    manifest=${2:?a manifest} encoder=${3:?an encoder} out=$(mktemp -d)
    trap 'rm -rf "$out"' EXIT
    first() {
      rm -rf "$out/cache"
      local start=$EPOCHREALTIME
      "$permafrost" cache build --manifest "$manifest" --encoder "$encoder" --out "$out/cache" --threads "$threads" \
        --sampling.frames "$frames" --sampling.eval_views 1 --cache.encoder_dtype "$dtype" 2>"$out/log"
      local end=$EPOCHREALTIME records
      records=$("$permafrost" cache info --cache "$out/cache" --json | python3 -c 'import json, sys; print(json.load(sys.stdin)["records"])')
      awk -v a="$start" -v b="$end" -v n="$((records * frames / 2))" 'BEGIN { print n / (b - a) }'
    }
    second() { ours vit; }
    take_turns "build of $arch $dtype, and bare forward" frames/s first second ;;
  *) echo "compare.sh: expected vit, cached, online, loader or build, found '$what'" >&2 && exit 2 ;;
esac
