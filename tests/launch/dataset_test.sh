#!/usr/bin/env bash
# From anybody's files to a manifest: bad videos are named and cost nothing else, a killed scan goes on where it was,
# any number of ranks writes the same bytes, data sets are united.
set -euo pipefail
# shellcheck source=tests/launch/lib.sh
source "$(dirname "$0")/lib.sh"
rm -rf "$WORK/scan" && mkdir -p "$WORK/scan"
cd "$WORK/scan"
video() {  # video FILE ENCODER... : two seconds of moving pictures
  local file=$1
  shift
  ffmpeg -nostdin -v error -y -f lavfi -i testsrc2=size=96x64:rate=25:duration=2 "$@" "$file"
}
h264=(-c:v libx264 -preset veryfast -bf 2 -g 20 -pix_fmt yuv420p)

# --- F8: what is wrong is rejected with its reason, what is odd is decoded.
mkdir -p bad/odd bad/broken
video bad/odd/plain.mp4 "${h264[@]}"
video bad/odd/"one frame.mp4" -frames:v 1 "${h264[@]}"
video bad/odd/variable.mkv -vf "select='not(mod(n\,7))+not(mod(n\,4))'" -vsync vfr "${h264[@]}"
video bad/odd/rotated.mp4 -metadata:s:v rotate=90 "${h264[@]}"
video bad/odd/odd_sides.webm -vf scale=97:61 -c:v libvpx-vp9 -deadline realtime -cpu-used 8
video bad/odd/ten_bits.mp4 -c:v libx264 -preset veryfast -pix_fmt yuv420p10le
video bad/odd/interlaced.ts -vf interlace -c:v mpeg2video -flags +ildct+ilme
video bad/odd/no_extension -f mp4 "${h264[@]}"
: >bad/broken/empty.mp4
head -c 20000 /dev/urandom >bad/broken/garbage.mp4
ffmpeg -nostdin -v error -y -f lavfi -i sine=duration=1 bad/broken/audio.mp4
printf '#EXTM3U\n#EXTINF:1,\nfile:///etc/passwd\n' >bad/broken/playlist.mp4
mkfifo bad/broken/pipe.mp4
bytes=$(stat -c %s bad/odd/plain.mp4)
for tenth in 1 2 3 4 5 6 7 8 9; do head -c $((bytes * tenth / 10)) bad/odd/plain.mp4 >"bad/broken/cut_$tenth.mp4"; done
video old.avi -c:v mpeg4 -bf 2
# A header that declares 100,000 x 100,000 pixels: width and height of the sample entry and of the track.
python3 - <<'PYTHON'
import struct
data = bytearray(open("bad/odd/plain.mp4", "rb").read())
entry = data.find(b"avc1", data.find(b"stsd"))
data[entry + 28:entry + 32] = struct.pack(">HH", 65535, 65535)
track = data.find(b"tkhd")
data[track + 80:track + 88] = struct.pack(">II", 100000 << 16 & 0xffffffff, 100000 << 16 & 0xffffffff)
open("bad/broken/huge.mp4", "wb").write(data)
data = bytearray(open("old.avi", "rb").read())
sizes = data.find(b"strf") + 12
data[sizes:sizes + 8] = struct.pack("<ii", 100000, 100000)
open("bad/broken/huge_avi.avi", "wb").write(data)
data = bytearray(open("bad/odd/plain.mp4", "rb").read())
count = data.find(b"stsz") + 12  # the table says more samples than there are
data[count:count + 4] = struct.pack(">I", 50000)
open("bad/broken/lying.mp4", "wb").write(data)
PYTHON
"$PERMAFROST" dataset scan --list bad --out bad.jsonl --decode --isolate --time-limit 20 2>bad.log || fail "scan: $(cat bad.log)"
for name in plain "one frame" variable rotated odd_sides ten_bits interlaced no_extension; do
  grep "\"id\":\"odd/$name\"" bad.jsonl | grep -q '"status":"ok"' || fail "$name is not accepted: $(grep "$name" bad.jsonl)"
done
for name in empty garbage audio playlist cut_1 cut_5 cut_9 lying; do
  grep "\"id\":\"broken/$name\"" bad.jsonl | grep -q '"status":"rejected","reason":"[a-z ]*: ' || fail "$name: $(grep "$name" bad.jsonl)"
done
# Its frames say another size than its header: read as they are, or refused, but never with the header's size.
for name in huge huge_avi; do
  grep "\"id\":\"broken/$name\"" bad.jsonl | grep -qE '"frames":50,.*"width":96,"height":64,.*"status":"ok"|"rejected"' || fail "$name: $(grep "$name" bad.jsonl)"
done
if grep -q pipe bad.jsonl; then fail "a pipe is no video"; fi
"$PERMAFROST" dataset scan --list bad --out here.jsonl --decode 2>/dev/null
cmp bad.jsonl here.jsonl || fail "isolated or not, the manifests differ"
"$PERMAFROST" dataset info --manifest bad.jsonl >info.txt
grep -q '10 usable of 24 listed' info.txt || fail "$(cat info.txt)"
grep -qE '^ +8  odd$' info.txt || fail "no count of a class: $(cat info.txt)"

# --- A repaired file is accepted by the next scan.
cp bad/odd/plain.mp4 bad/broken/cut_5.mp4
"$PERMAFROST" dataset scan --list bad --out bad.jsonl 2>/dev/null
grep '"id":"broken/cut_5"' bad.jsonl | grep -q '"status":"ok"' || fail "a repaired video stays rejected"

# --- One file that takes too long is rejected and costs no other; with more time the next scan takes it.
mkdir -p slow/walk
video slow/walk/short.mp4 "${h264[@]}"
ffmpeg -nostdin -v error -y -f lavfi -i testsrc2=size=1920x1080:rate=25:duration=20 -c:v libx264 -preset ultrafast \
  -pix_fmt yuv420p slow/walk/long.mp4
for count in 1 2; do
  ranks $count dataset scan --list slow --out slow.jsonl --decode --isolate --time-limit 0.5 2>slow.log || fail "$(cat slow.log)"
  grep '"id":"walk/long"' slow.jsonl | grep -q '"reason":"takes too long: ' || fail "$count ranks: $(cat slow.jsonl)"
  grep '"id":"walk/short"' slow.jsonl | grep -q '"status":"ok"' || fail "$count ranks: $(cat slow.jsonl)"
done
"$PERMAFROST" dataset scan --list slow --out slow.jsonl --decode --isolate 2>slow.log || fail "$(cat slow.log)"
if grep -q '"rejected"' slow.jsonl; then fail "with time enough: $(cat slow.jsonl)"; fi

# --- Killed at any time, by any number of ranks: the same bytes in the end.
mkdir -p many/walk
ffmpeg -nostdin -v error -y -f lavfi -i testsrc2=size=320x240:rate=30:duration=8 "${h264[@]}" long.mp4
for i in $(seq -w 1 80); do cp long.mp4 "many/walk/v$i.mp4"; done
ranks 2 dataset scan --list many --out killed.jsonl --decode >killed.log 2>&1 &
job=$!
until [ "$(cat killed.jsonl.scan/*.jsonl 2>/dev/null | wc -l)" -ge 20 ]; do
  kill -0 "$job" 2>/dev/null || break
  sleep 0.01
done
if "$PERMAFROST" dataset scan --list many --out killed.jsonl --decode 2>second.log; then fail "two scans wrote one manifest"; fi
grep -q 'in use by pid' second.log || fail "the owner is not named: $(cat second.log)"
for mpirun in $(pgrep -P "$job"); do
  pkill -KILL -P "$mpirun" || true
  kill -KILL "$mpirun" 2>/dev/null || true
done
kill -KILL "$job" 2>/dev/null || true
wait "$job" 2>/dev/null || true
sleep 1
[ ! -e killed.jsonl ] || fail "the scan ended before the kill"
cp long.mp4 many/walk/v00.mp4  # the first in order: a download goes on
ranks 1 dataset scan --list many --out killed.jsonl --decode 2>again.log || fail "$(cat again.log)"
grep -qE 'goes on with [0-9]+ videos' again.log || fail "what was found is found again: $(cat again.log)"
ranks 2 dataset scan --list many --out whole.jsonl --decode 2>/dev/null
cmp whole.jsonl killed.jsonl || fail "a killed scan ended with another manifest"
[ ! -e killed.jsonl.scan ] || fail "the journal is left over"

# --- Two data sets as one, and one video's frames.
mkdir -p k400 k700
video k400/aaaaaaaaaaa_000001_000011.mp4 "${h264[@]}"
video k400/bbbbbbbbbbb_000001_000011.mp4 "${h264[@]}"
video k700/aaaaaaaaaaa.mkv "${h264[@]}"
video k700/ccccccccccc_000000_000010.mp4 "${h264[@]}"
header=label,youtube_id,time_start,time_end,split
printf '%s\nhugging,aaaaaaaaaaa,1,11,train\nabseiling,bbbbbbbbbbb,1,11,train\n' $header >k400.csv
printf '%s\nhugging (not baby),aaaaaaaaaaa,0,10,validate\nzumba,ccccccccccc,0,10,train\n' $header >k700.csv
for set in k400 k700; do "$PERMAFROST" dataset scan --list $set.csv --root $set --out $set.jsonl --labels kinetics${set#k} 2>/dev/null; done
"$PERMAFROST" dataset merge k400.jsonl k700.jsonl --out k710.jsonl --json >merge.json 2>merge.log || fail "$(cat merge.log)"
[ "$(field merge.json classes)" = 708 ] || fail "classes of K400 and K700: $(cat merge.json)"
[ "$(grep -c '"status":"ok"' k710.jsonl)" = 3 ] || fail "$(cat k710.jsonl)"
grep -q 'held out: k400.jsonl: a video of the split val of k700.jsonl' k710.jsonl || fail "$(cat k710.jsonl)"
"$PERMAFROST" dataset merge k400.jsonl k700.jsonl --labels kinetics710 --out k710.jsonl 2>/dev/null
"$PERMAFROST" dataset info --manifest k710.jsonl >info.txt
grep -q '710 classes' info.txt || fail "no 710 classes: $(cat info.txt)"
"$PERMAFROST" dataset frames k700/aaaaaaaaaaa.mkv --frames 4 --view 0 --views 3 --out a.safetensors 2>frames.log
"$PERMAFROST" dataset frames k700/aaaaaaaaaaa.mkv --frames 4 --view 0 --views 3 --out b.safetensors --isolate 2>/dev/null
cmp a.safetensors b.safetensors || fail "isolated or not, the frames differ"
grep -qE 'decoded [0-9]+ frames of [0-9]+ packets' frames.log || fail "$(cat frames.log)"
