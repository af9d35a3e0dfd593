#!/usr/bin/env bash
# Build, training and evaluation as slurm/submit.sh submits them: each waits for the one before, the training is
# preempted twice, and ends with the bits of one that nobody disturbed. Then an array of seeds, with a text head.
set -euo pipefail
# shellcheck source=tests/slurm/lib.sh
source "$(dirname "$0")/lib.sh"
begin_slurm_test node-a
oracle=$(oracle alone 2)
[ "$(field "$WORK/oracle-alone/environment.json" ranks)" -eq 2 ] || fail "the oracle had not two ranks"

chain=$("$root/slurm/submit.sh" "$WORK/job.ini" "$DEMO/manifest.jsonl" "$DEMO/demo/encoder" "$WORK/out" "${batch[@]}")
read -r cache train eval < <(sed -E 's/cache ([0-9]+), train ([0-9]+), eval ([0-9]+);.*/\1 \2 \3/' <<<"$chain")
for job in "$train" "$eval"; do
  is_state "$job" PENDING && [ "$(squeue --noheader --jobs "$job" --format %r)" = Dependency ] || fail "job $job does not wait"
done
wait_for_state "$cache" COMPLETED
[ "$(records "$WORK/out/cache")" = "$(records "$DEMO/cache")" ] || fail "the cache has other bits than mpirun's"

# Slurm itself takes the node away: TERM to all, and the job is in the queue again.
wait_for_step "$train" "$WORK/out/run" 6
is_state "$eval" PENDING || fail "the evaluation does not wait for the training"
scontrol requeue "$train"
wait_until 30 grep -q 'stopped early: requeued by Slurm itself' "$WORK/permafrost-train-$train.log" ||
  fail "not stopped: $(log_of "$train")"
stopped=$(field "$WORK/out/run/status.json" step)

# The time limit is near: USR2 to the batch shell, as --signal=B:USR2@120 has it.
wait_for_step "$train" "$WORK/out/run" $((stopped + 6))
scancel --signal=USR2 --batch "$train"
wait_until 30 grep -q 'stopped early: requeued, 2' "$WORK/permafrost-train-$train.log" || fail "no requeue: $(log_of "$train")"
wait_for_state "$train" COMPLETED
[ "$(restarts_of "$train")" -eq 2 ] || fail "$(restarts_of "$train") restarts, expected 2: $(log_of "$train")"
[ "$(grep -c 'resuming from' "$WORK/permafrost-train-$train.log")" -ge 2 ] || fail "it began again: $(log_of "$train")"
[ "$(weights "$WORK/out/run")" = "$oracle" ] || fail "preempted twice: other bits"
wait_for_state "$eval" COMPLETED
grep -q 'linear probe .* top-1' "$WORK/permafrost-eval-$eval.log" || fail "no result: $(log_of "$eval")"

# A run of each seed, with a head of class names, and an evaluation of each.
golden=$root/tests/golden text=$WORK/text.safetensors
sed 's/^head = .*/head = text/' "$WORK/job.ini" >"$WORK/text.ini"
tail -n +2 "$DEMO/demo/videos/list.csv" | cut -d, -f1 | tr -d '"' | sort -u >"$WORK/labels.txt"
"$PERMAFROST" text --encoder "$golden/clip_text" --vocabulary "$golden/bpe_simple_vocab_16e6.txt.gz" \
  --labels "$WORK/labels.txt" --out "$text"
"$root/slurm/submit.sh" --seeds 3,5 --text "$text" "$WORK/text.ini" "$DEMO/manifest.jsonl" "$DEMO/demo/encoder" "$WORK/out" "${batch[@]}"
wait_until 120 no_jobs || fail "the arrays did not end: $(squeue)"
for seed in 3 5; do
  [ "$(weights "$WORK/out/run-$seed")" = "$(oracle "seed-$seed" 2 --recipe.seed "$seed" --model.head text --text "$text")" ] || fail "seed $seed: other bits"
  [ -f "$WORK/out/run-$seed/probe.json" ] || fail "seed $seed was not evaluated"
done
