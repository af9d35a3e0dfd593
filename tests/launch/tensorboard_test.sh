#!/usr/bin/env bash
# TensorBoard itself reads a run that was killed and went on: the curves are those of metrics.jsonl, every step once.
set -euo pipefail
# shellcheck source=tests/launch/lib.sh
source "$(dirname "$0")/lib.sh"
run=$WORK/tensorboard
rm -rf "$run"
train=("$PERMAFROST" train "${tiny[@]}" "${long[@]}" --cache "$WORK/cache" --run "$run" --threads 1 --train.checkpoint_every_steps 10)
"${train[@]}" &
job=$!
wait_for $job has_step "$run" 46
kill -9 $job
wait $job && fail "it was not killed"
"${train[@]}" || fail "it does not go on"
"$PYTHON" - "$run" <<'PY' || fail "TensorBoard reads something else"
import json, sys
from tensorboard.backend.event_processing.event_accumulator import EventAccumulator
run = sys.argv[1]
told, lines = {}, 0
for line in map(json.loads, open(run + "/metrics.jsonl")):
    if "event" not in line:
        told[line["step"]] = line  # of a step done twice the second time
        lines += 1
assert lines > len(told), "no step was done twice: this would prove little"
events = EventAccumulator(run, size_guidance={"scalars": 0}).Reload()
tags = events.Tags()["scalars"]
for name in ("loss", "top1", "learning_rate", "samples_per_second", "data_ms", "compute_ms", "gradient_norm"):
    curve = events.Scalars("train/" + name)
    assert [point.step for point in curve] == sorted(told), (name, len(curve), len(told))
    for point in curve:
        assert abs(point.value - told[point.step][name]) <= 1e-6 * abs(point.value), (name, point)
    assert "train/step" not in tags
assert len(told) > 40, len(told)
PY
[ "$(find "$run" -name 'events.out.tfevents.*' | wc -l)" -eq 2 ] || fail "expected a file of each start"
"${train[@]}" || fail "a complete run"
[ "$(find "$run" -name 'events.out.tfevents.*' | wc -l)" -eq 2 ] || fail "looking at a complete run writes events"
rm -rf "$run"
