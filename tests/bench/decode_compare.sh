#!/usr/bin/env bash
# Ours, PyAV and torchcodec on the same files, alternately (README.md, "decode"). The peers come from PyPI into a
# virtual environment of their own: PEERS names its folder.
set -euo pipefail
root=$(cd "$(dirname "$0")/../.." && pwd)
permafrost=${PERMAFROST:-$root/build/release/permafrost}
peers=${PEERS:-$root/build/peers}
threads=${THREADS:-2} seconds=${SECONDS_EACH:-4} rounds=${ROUNDS:-5}
here=$root/tests/bench

if [ ! -e "$peers/bin/python" ]; then
  python3 -m venv "$peers"
  "$peers/bin/pip" install -q av==18.1.0 torchcodec==0.11.0 torch==2.11.0 nvidia-npp numpy
fi
libraries=$(find "$peers"/lib/python3*/site-packages/nvidia -maxdepth 2 -name lib -printf '%p:')

make_videos() {  # make_videos FOLDER ENCODER... : eight files of moving detail
  local folder=$1
  shift
  mkdir -p "$folder"
  for i in 0 1 2 3 4 5 6 7; do
    [ -e "$folder/$i.mp4" ] || ffmpeg -nostdin -v error -y -f lavfi \
      -i "mandelbrot=size=340x256:rate=30:end_scale=0.0$((i + 2))" -t 10 -c:v libx264 "$@" -pix_fmt yuv420p "$folder/$i.mp4"
  done
}

ours() { "$permafrost" bench decode "$1" --threads "$threads" --bench.seconds "$seconds" | sed -E 's/.*"per_second":([0-9.]+).*/\1/'; }
peer() { LD_LIBRARY_PATH=$libraries "$peers/bin/python" "$here/decode_peer.py" "$1" "$2" "$threads" "$seconds"; }

compare() {  # compare NAME FOLDER
  local rows=""
  for ((i = 0; i < rounds; ++i)); do rows+="$(ours "$2") $(peer torchcodec "$2") $(peer pyav "$2")"$'\n'; done
  python3 - "$1" "$rows" <<'PYTHON'
import statistics, sys
rows = [[float(x) for x in line.split()] for line in sys.argv[2].split("\n") if line]
middle = lambda values: f"{statistics.median(values):6.2f} ({min(values):.2f}-{max(values):.2f})"
ours, codec, pyav = zip(*rows)
ratios = [o / max(c, p) for o, c, p in rows]
print(f"{sys.argv[1]:14} ours {middle(ours)}  torchcodec {middle(codec)}  PyAV {middle(pyav)}  ours/better {middle(ratios)}")
PYTHON
}

if [ $# -gt 0 ]; then
  compare "$(basename "$1")" "$1"
  exit
fi
videos=$root/build/bench/videos
make_videos "$videos/default"
make_videos "$videos/short groups" -g 30
make_videos "$videos/no B-frames" -bf 0
for kind in "default" "short groups" "no B-frames"; do compare "$kind" "$videos/$kind"; done
