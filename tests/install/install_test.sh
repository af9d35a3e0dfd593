#!/usr/bin/env bash
# The installed package serves a program that knows nothing of this tree: it names clips as `eval` does. BUILD is the build folder; PERMAFROST, WORK and DEMO as everywhere.
set -euo pipefail
# shellcheck source=tests/launch/lib.sh
source "$(dirname "$0")/../launch/lib.sh"
prefix=$WORK/prefix
rm -rf "$WORK" && mkdir -p "$WORK"
cmake --install "$BUILD" --prefix "$prefix" >"$WORK/install.log" || fail "$(tail -5 "$WORK/install.log")"
cp "$(dirname "$0")"/example/* "$WORK"
cmake -S "$WORK" -B "$WORK/build" -G Ninja -DCMAKE_PREFIX_PATH="$prefix" -DCMAKE_BUILD_TYPE=Release \
  -DCMAKE_CXX_COMPILER=clang++ -DCMAKE_C_COMPILER=clang >"$WORK/configure.log" 2>&1 || fail "$(tail -20 "$WORK/configure.log")"
cmake --build "$WORK/build" >"$WORK/build.log" 2>&1 || fail "$(tail -20 "$WORK/build.log")"

"$prefix/bin/permafrost" train "${tiny[@]}" --cache "$DEMO/cache" --run "$WORK/run" --recipe.epochs 1 --quiet
"$WORK/build/name_clips" "$DEMO/cache" "$WORK/run" >"$WORK/names" || fail "name_clips"
"$prefix/bin/permafrost" eval --cache "$DEMO/cache" --run "$WORK/run" --sampling.eval_views 1 --json --quiet >"$WORK/eval.json"
python3 - "$WORK/names" "$DEMO/manifest.jsonl" "$WORK/eval.json" <<'PY' || fail "name_clips and eval differ"
import json, sys
named = dict(line.rstrip("\n").split("\t") for line in open(sys.argv[1]))
lines = [json.loads(line) for line in open(sys.argv[2])][1:]
labels = {line["id"]: line["label"] for line in lines if line["status"] == "ok" and line["split"] == "val"}
assert named.keys() == labels.keys() and len(named) > 5, (len(named), len(labels))
right = sum(named[video] == labels[video] for video in named)
top1 = json.load(open(sys.argv[3]))["top1"]
assert abs(right / len(named) - top1) < 1e-6, (right, len(named), top1)
PY
rm -rf "$WORK"
