#!/usr/bin/env bash
# launch/run.sh [-np N] VERB [OPTION ...]: permafrost under mpirun so that it can be stopped without losing a step.
#
# mpirun kills its ranks two seconds after a TERM or INT. Here it runs in a session of its own, and USR2, TERM and the
# first INT become USR2: the ranks finish their step, write a checkpoint and leave with 75 (start the same command again).
# A second INT ends them at once.
set -uo pipefail
here=$(cd "$(dirname "$0")/.." && pwd)
# shellcheck source=launch/mpi_environment.sh
source "$here/launch/mpi_environment.sh"

ranks=2
if [ "${1:-}" = "-np" ] || [ "${1:-}" = "-n" ]; then
  ranks=${2:-}
  if ! [[ "$ranks" =~ ^[1-9][0-9]*$ ]]; then
    echo "run.sh: expected a number of ranks after $1, found '$ranks': launch/run.sh -np N VERB [OPTION ...]" >&2
    exit 2
  fi
  shift 2
fi

setsid mpirun -np "$ranks" "${PERMAFROST:-$here/build/release/permafrost}" "$@" &
job=$!
interrupted=0 interrupts=0
stop_gently() {
  interrupted=1
  echo "run.sh: asked to stop; finishing the step and writing a checkpoint" >&2
  kill -USR2 "$job" 2>/dev/null
}
interrupt() {
  interrupts=$((interrupts + 1))
  if [ "$interrupts" -eq 1 ]; then
    stop_gently
  else
    interrupted=1
    pkill -KILL --session "$job"
  fi
}
trap stop_gently TERM USR2
trap interrupt INT
while true; do  # a signal ends `wait` early
  interrupted=0
  wait "$job"
  code=$?
  [ "$interrupted" -eq 1 ] || exit "$code"
done
