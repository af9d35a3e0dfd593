#!/usr/bin/env bash
# NaN and infinity, in the encoder's weights or in what it gives: never cached, and the line names the tensor, or the
# video and the layer.
set -euo pipefail
# shellcheck source=tests/fault/lib.sh
source "$(dirname "$0")/lib.sh"
prepare build

# poke NAME BITS: a copy of the encoder with the first number of a tensor set to these 32 bits.
poke() {
  local file=$WORK/encoder/model.safetensors header begin
  rm -rf "$WORK/encoder" && cp -r "$encoder" "$WORK/encoder"
  header=$(od -An -tu8 -N8 "$file" | tr -d ' ')
  begin=$(head -c $((8 + header)) "$file" | tail -c "$header" | grep -aoE "\"$1\":\{[^}]*\}" | grep -F '"F32"' |
    grep -oE '"data_offsets":\[[0-9]+' | grep -oE '[0-9]+$') || fail "no tensor $1 of 32-bit floats in $file"
  printf '%b' "$2" |
    dd of="$file" bs=1M seek=$((8 + header + begin)) oflag=seek_bytes conv=notrunc status=none
}
build() { program cache build --manifest "$WORK/some.jsonl" --encoder "$WORK/encoder" --out "$WORK/cache" "${small[@]}" "$@"; }
expect_refusal() {  # expect_refusal WHAT REASON [OPTION ...]
  local code=0
  rm -rf "$WORK/cache"
  build "${@:3}" >"$WORK/log" 2>&1 || code=$?
  [ "$code" -eq 1 ] || fail "$1: expected exit code 1, found $code: $(cat "$WORK/log")"
  grep -qE "error: permafrost cache: .*$2" "$WORK/log" || fail "$1: expected '$2': $(cat "$WORK/log")"
  [ ! -e "$WORK/cache/index.json" ] || fail "$1: a cache was published"
}
nan='\x00\x00\xc0\x7f' infinity='\x00\x00\x80\x7f' huge='\x00\x00\x7f\x7f'
norm=vision_model.encoder.layers.1.layer_norm1.weight
first=vision_model.encoder.layers.0.mlp.fc2.bias

for bits in "$nan" "$infinity"; do
  poke "$norm" "$bits"
  expect_refusal "a weight that is not finite" "tensor '$norm' holds NaN, infinity or integers, expected finite floats"
done

# Finite weights, and what they give is not: by codecs with and without tables.
poke "$first" "$huge"
for codec in f32 f16 int8 lowrank; do
  expect_refusal "an encoder that overflows, $codec" 'video [^ ]*: layer 1 of the encoder gives NaN or infinity' --codec "$codec"
done

# Of one rank among two, by the same line.
code=0
mpirun -np 2 "$PERMAFROST" cache build --manifest "$WORK/some.jsonl" --encoder "$WORK/encoder" --out "$WORK/two-ranks" \
  "${small[@]}" --codec f32 --threads 1 >"$WORK/log" 2>&1 || code=$?
[ "$code" -eq 1 ] || fail "two ranks: expected exit code 1, found $code: $(cat "$WORK/log")"
grep -q 'every video is rejected, .*layer 1 of the encoder gives NaN' "$WORK/log" || fail "two ranks: $(cat "$WORK/log")"
[ ! -e "$WORK/two-ranks/index.json" ] || fail "two ranks: a cache was published"
