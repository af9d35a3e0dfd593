#!/usr/bin/env bash
# launch/build.sh [TARGET ...]: sets up what is missing and builds build/release.
set -euo pipefail
cd "$(dirname "$0")/.."
launch/setup.sh
# Once configured, the build itself configures again where a CMake file has changed.
[ -f build/release/build.ninja ] || cmake --preset release
cmake --build --preset release --target "${@:-all}"
