#!/usr/bin/env bash
# Killed at calls by which a checkpoint is published, torn in the middle of one, cut off from power with all that was not
# synced lost, or refused by the disk: the newest checkpoint that is there is whole, and the same command ends with the
# weights of the undisturbed run.
set -euo pipefail
# shellcheck source=tests/fault/lib.sh
source "$(dirname "$0")/lib.sh"
train() {  # train RUN
  program train --cache "$DEMO/cache" --run "$1" "${tiny[@]}" --recipe.epochs 2 --train.checkpoint_every_steps 2 --train.keep_checkpoints 2 \
    --train.evaluate_every_epochs 1
}

if [ "${1:-}" = --one ]; then  # --one FAULT train CALL
  fault=$2 call=$4 folder=$WORK/train/$2-$4 what="$2 at call $4"
  mkdir -p "$folder/checkpoints"
  code=0
  with_fault "$fault" "$call" "$folder/checkpoints" train "$folder" || code=$?
  log=$folder/checkpoints.log
  case $fault in
    ENOSPC* | EIO*)
      if [ "$code" -eq 0 ]; then  # what was to be removed may stay
        grep ' !$' "$folder/checkpoints.trace" | grep -vE '^[0-9]+ (unlink|rmdir) ' && fail "$what: not told"
      elif [ "$code" -ne 1 ] || [ "$(grep -c 'error: permafrost train: .*checkpoints' "$log")" -ne 1 ]; then
        fail "$what: expected the exit code 1 and one line with the path, found $code: $(cat "$log")"
      fi
      ;;
    *) [ "$code" -eq 137 ] || fail "$what: expected a kill, found exit code $code: $(cat "$log")" ;;
  esac
  if ls "$folder/checkpoints" | grep -q '^step-'; then
    program checkpoint verify --run "$folder" >"$folder.verify" 2>&1 || fail "$what: a checkpoint that is there is not whole: $(cat "$folder.verify")"
  fi
  train "$folder" >"$folder.again" 2>&1 || fail "$what: started again: $(cat "$folder.again")"
  [ "$(WORK=$folder weights "$folder")" = "$(cat "$WORK/oracle")" ] || fail "$what: other weights in the end"
  rm -rf "$folder"
  exit
fi

rm -rf "$WORK" && mkdir -p "$WORK/train/counted/checkpoints"
with_fault none 0 "$WORK/train/counted/checkpoints" train "$WORK/train/counted" || fail "$(cat "$WORK/train/counted/checkpoints.log")"
cp "$WORK/train/counted/checkpoints.trace" "$WORK/train/counted.trace"
weights "$WORK/train/counted" >"$WORK/oracle"
try_faults train 4 kill tear lose-all lose-data lose-removals ENOSPC EIO EIO-on
