#!/usr/bin/env bash
# house_test.sh SOURCE_DIRECTORY: the arrows of the house, read off every include; and what must not be in the tree.
set -euo pipefail
cd "$1"
broken=0
forbid() {  # forbid FOLDER PATTERN: no file of FOLDER includes a header that matches PATTERN
  if grep -rnE "#include \"($2)" --include='*.h' --include='*.cc' "$1"; then
    echo "^ $1 may not include $2"
    broken=1
  fi
}
forbid core 'data/|distributed/|launch/'
forbid core/base 'core/(encoder|dist|recipe|checkpoint)/'
forbid data 'distributed/|launch/'
forbid distributed 'core/(encoder|dist|recipe|checkpoint)/|data/|launch/'
[ -f README.md ] || { echo "the root has no README.md"; broken=1; }
for folder in core data distributed launch configs tests slurm; do
  [ -f "$folder/README.md" ] || { echo "$folder has no README.md"; broken=1; }
done
# The log header alone may know glog: LibTorch defines the same macros.
if grep -rln 'glog/logging.h' --include='*.h' --include='*.cc' core data distributed launch | grep -v '^core/base/log.cc$'; then
  echo "^ includes glog"
  broken=1
fi
# No file names a folder of the machine it was written on. A copy without git has no list of files to look through.
if git rev-parse --is-inside-work-tree >/dev/null 2>&1; then
  if git grep -nIE '(^|[^A-Za-z0-9_.~/-])/(work|root|home|Users)/[A-Za-z0-9_.-]' -- . ':!tests/house_test.sh'; then
    echo "^ names a path of one machine"
    broken=1
  fi
fi
exit "$broken"
