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
for folder in core data distributed launch configs tests slurm; do
  [ -f "$folder/README.md" ] || { echo "$folder has no README.md"; broken=1; }
done
# The log header alone may know glog: LibTorch defines the same macros.
if grep -rln 'glog/logging.h' --include='*.h' --include='*.cc' core data distributed launch | grep -v '^core/base/log.cc$'; then
  echo "^ includes glog"
  broken=1
fi
exit "$broken"
