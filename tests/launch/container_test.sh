#!/usr/bin/env bash
# container_test.sh SOURCES HADOLINT: both recipes are sound, and do what launch/test.sh does on a bare machine: nothing
# here can run them, so what they run is what every test has been built by.
set -euo pipefail
sources=$1 hadolint=$2
fail() {
  echo "FAILED: $*" >&2
  exit 1
}
cd "$sources/launch/container"
"$hadolint" Dockerfile || fail "hadolint"
for recipe in Dockerfile permafrost.def; do
  for script in $(grep -oE 'launch/[a-z_]+\.sh' "$recipe"); do
    [ -x "$sources/$script" ] || fail "$recipe calls $script, which is not there"
  done
  grep -q 'launch/build.sh permafrost' "$recipe" || fail "$recipe builds otherwise than everybody"
  grep -q 'cmake --install build/release' "$recipe" || fail "$recipe does not install"
done
# Apptainer's own reader is not to be had: a section is a line with % and a name it knows, after the header's two keys.
awk '
  NR == 1 && !/^Bootstrap: docker$/ { print "no Bootstrap"; bad = 1 }
  NR == 2 && !/^From: [a-z]+:[0-9]+$/ { print "no pinned From"; bad = 1 }
  /^%/ && !/^%(help|files|post|environment|runscript|test|labels)$/ { print "unknown section " $0; bad = 1 }
  /^%/ { section = $0; seen[$0]++; next }
  NR > 3 && NF && !section { print "outside a section: " $0; bad = 1 }
  NR > 3 && NF && !/^    / { print "not indented: " $0; bad = 1 }
  END { for (name in seen) if (seen[name] > 1) { print "twice: " name; bad = 1 }
        if (!seen["%post"] || !seen["%runscript"]) { print "%post or %runscript is missing"; bad = 1 }
        exit bad }' permafrost.def || fail "permafrost.def"
from=$(sed -n 's/^FROM //p' Dockerfile)
grep -q "^From: $from$" permafrost.def || fail "the two recipes start from different systems"
