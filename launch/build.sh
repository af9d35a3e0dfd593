#!/usr/bin/env bash
# launch/build.sh [TARGET ...]: sets up what is missing and builds build/release.
set -euo pipefail
cd "$(dirname "$0")/.."
launch/setup.sh
# A wheel that was installed anew under another path asks for a fresh configuration.
[ -f build/release/build.ninja ] || cmake --preset release
cmake --build --preset release --target "${@:-all}"
