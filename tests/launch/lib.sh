# Sourced by the scripts of tests/launch: the program, ranks and complaints.
# shellcheck shell=bash
: "${PERMAFROST:?the path of the program}" "${WORK:?a folder of this test}"
here=$(cd "$(dirname "${BASH_SOURCE[0]}")" && pwd)
# shellcheck disable=SC2034  # used by the scripts
tiny=(--config "$here/tiny.ini")

fail() {
  echo "FAILED: $*" >&2
  exit 1
}
ranks() {  # ranks N VERB...: the program on N ranks, one compute thread each
  local count=$1
  shift
  "$here/../mpirun.sh" "$count" "$PERMAFROST" "$@" --threads 1
}
field() {  # field FILE NAME: a number or text of a JSON file's top level
  grep -oE "\"$2\": *(\"[^\"]*\"|[-0-9.e]+)" "$1" | head -n 1 | sed -E 's/^"[^"]*": *//; s/"//g'
}
wait_for() {  # wait_for JOB COMMAND...: until it succeeds
  local job=$1
  shift
  until "$@"; do
    kill -0 "$job" 2>/dev/null || fail "the job ended before: $*"
    sleep 0.02
  done
}
has_step() {  # has_step RUN N: N steps or more are done
  local step
  step=$(field "$1/status.json" step 2>/dev/null) && [ "${step:-0}" -ge "$2" ]
}
# A run of tiny steps that lasts until a signal reaches it.
# shellcheck disable=SC2034
long=(--recipe.epochs 40)
weights() { "$PERMAFROST" checkpoint info --run "$1" --json >"$WORK/info.json" && field "$WORK/info.json" weights_sha256; }
records() { (cd "$1" && sha256sum ./*.h5); }
