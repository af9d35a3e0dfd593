#!/usr/bin/env bash
# The readers of a cache that README.md and data/cache/FORMAT.md show, run as they stand there, see what the program
# sees: the features of the same cache, recoded to f32. The encoder has an outlier channel, so that codecs keep it apart.
set -euo pipefail
# shellcheck source=tests/launch/lib.sh
source "$(dirname "$0")/lib.sh"
: "${PYTHON:?the Python of .venv}"
"$PYTHON" -c 'import h5py, numpy, safetensors.numpy' || fail "$PYTHON lacks h5py, numpy or safetensors: run launch/setup.sh"
demo=$WORK
WORK=$WORK/documents
rm -rf "$WORK" && mkdir -p "$WORK"
cache() { "$PERMAFROST" cache "$@" >"$WORK/out.log" 2>&1 || fail "cache $*: $(cat "$WORK/out.log")"; }
cp -r "$demo/demo/encoder" "$WORK/encoder"
"$PYTHON" "$here/make_outlier.py" "$WORK/encoder/model.safetensors"
cache build --manifest "$demo/manifest.jsonl" --encoder "$WORK/encoder" --out "$WORK/lossless" "${tiny[@]}" --codec f32
for codec in f32 f16 bf16 int8 int4 lowrank; do
  mkdir "$WORK/$codec"
  cache recode --cache "$WORK/lossless" --out "$WORK/$codec/cache" --codec "$codec"
  cache recode --cache "$WORK/$codec/cache" --out "$WORK/$codec/decoded" --codec f32
  (cd "$WORK/$codec" && "$PYTHON" "$here/run_documents.py" "$here/../.." "$codec")
done
