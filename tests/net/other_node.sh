#!/usr/bin/env bash
# other_node.sh HOST COMMAND...: what mpirun takes for ssh. Runs COMMAND, a line for a shell, on the other of two nodes
# (two_nodes.sh).
set -euo pipefail
shift
exec ip netns exec "${PERMAFROST_OTHER_NODE:?the network namespace of the other node}" \
  unshare --uts bash -c "hostname node-b && $*"
