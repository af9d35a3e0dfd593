#!/usr/bin/env bash
# ends_the_job.sh MPIRUN PROGRAM WAY: the last of 2 ranks ends or hangs in this way while rank 0 waits for it. The job has
# to be over soon, with an exit code that is not 0, and rank 0 must not get past its wait.
set -euo pipefail
mpirun=$1 program=$2 way=$3
case $way in
  hang*) most=25 ;;  # its deadline, and the time for last words
  *) most=10 ;;
esac
log=$(mktemp)
trap 'rm -f "$log"' EXIT
"$mpirun" 2 "$program" "$way" >"$log" 2>&1 &
job=$!
fail() {
  echo "$way: $1; the log:"
  cat "$log"
  kill -KILL "$job" 2>/dev/null || true
  exit 1
}

until [ "$(grep -c '^ready$' "$log")" -eq 2 ]; do
  kill -0 "$job" 2>/dev/null || break
  sleep 0.05
done
SECONDS=0
while kill -0 "$job" 2>/dev/null; do
  [ "$SECONDS" -lt "$most" ] || fail "the job is still there $most seconds after its rank ended"
  sleep 0.05
done
code=0
wait "$job" || code=$?
[ "$(grep -c '^ready$' "$log")" -eq 2 ] || fail "the ranks did not start"
[ "$code" -ne 0 ] || fail "expected a failure, the exit code is 0"
! grep -q 'is done' "$log" || fail "a rank passed the wait"
case $way in
  throw) expected='the disk of this rank is gone' ;;
  throw_in_session) expected='rank 1 leaves by an exception' ;;
  no_gradient) expected='parameter 1 got no gradient' ;;
  vanish) expected='' ;;
  hang_before_mpi) expected='the start of MPI, which waits for every rank, has taken more than 3 s' ;;
  hang_in_step) expected='rank 1 on .*, pid [0-9]*: in forward and backward of step 3 for' ;;
  hang_at_end) expected='rank 1 on .*: behind the others, last in forward and backward of step 4' ;;
esac
grep -q "$expected" "$log" || fail "expected '$expected' in the log"
case $way in
  hang_in* | hang_at*) grep -q '^  pause$' "$log" || fail "no word of where rank 1 hangs" ;;
esac
[ "$way" != throw ] || [ "$code" -eq 1 ] || fail "expected the exit code of abort_job, 1, found $code"
echo "$way: exit code $code after at most $SECONDS s"
