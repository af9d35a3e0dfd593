#!/usr/bin/env bash
# tests/mpirun.sh RANKS PROGRAM [ARG ...]: mpirun with the flags a test machine needs (few cores, perhaps root).
set -euo pipefail
ranks=$1
shift
flags=(--oversubscribe --bind-to none)
[ "$(id -u)" -ne 0 ] || flags+=(--allow-run-as-root)
exec mpirun -np "$ranks" "${flags[@]}" "$@"
