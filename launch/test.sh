#!/usr/bin/env bash
# launch/test.sh [CTEST OPTION ...]: sets up what is missing, builds everything and runs every test.
set -euo pipefail
cd "$(dirname "$0")/.."
launch/build.sh
# The other flavour must at least configure: without CUDA where the machine has a toolkit, and refused with a reason
# where CUDA is asked for and there is none.
cmake --preset cpu-only >build/cpu-only.log 2>&1 || { cat build/cpu-only.log; exit 1; }
# shellcheck source=launch/mpi_environment.sh
source launch/mpi_environment.sh
ctest --preset release "$@"
