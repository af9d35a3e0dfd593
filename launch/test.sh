#!/usr/bin/env bash
# launch/test.sh [CTEST OPTION ...]: sets up what is missing, builds everything and runs every test.
set -euo pipefail
cd "$(dirname "$0")/.."
launch/build.sh
# The build above is with CUDA where the machine has a toolkit. The other flavour must at least configure, and CUDA that
# is asked for where there is no toolkit must be refused with the reason.
cmake --preset cpu-only >build/cpu-only.log 2>&1 || { cat build/cpu-only.log; exit 1; }
rm -rf build/refused
if cmake --preset release -B build/refused -DPERMAFROST_CUDA=ON -DCMAKE_DISABLE_FIND_PACKAGE_CUDAToolkit=ON >build/refused.log 2>&1; then
  echo "test.sh: PERMAFROST_CUDA=ON without a CUDA toolkit was configured, expected it to be refused" >&2
  exit 1
fi
grep -q 'PERMAFROST_CUDA=ON but no CUDA toolkit was found' build/refused.log || { cat build/refused.log; exit 1; }
# shellcheck source=launch/mpi_environment.sh
source launch/mpi_environment.sh
left_out=()
probe=permafrost-probe-$$
if ip netns add "$probe" 2>/dev/null; then
  ip netns delete "$probe"
else
  left_out+=(net)
  echo "test.sh: LEFT OUT: the tests labelled net, which make network namespaces: that takes root, iproute2 and CAP_NET_ADMIN" >&2
fi
if [ "$(id -u)" -ne 0 ] || ! command -v slurmctld >/dev/null || ! command -v munged >/dev/null; then
  left_out+=(slurm)
  echo "test.sh: LEFT OUT: the tests labelled slurm, which start a Slurm of their own: that takes root, slurm-wlm and munge" >&2
fi
[ "${#left_out[@]}" -eq 0 ] || set -- -LE "^($(IFS='|'; echo "${left_out[*]}"))\$" "$@"
ctest --preset release "$@"
