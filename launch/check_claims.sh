#!/usr/bin/env bash
# launch/check_claims.sh FILE: whether a quickstart did what it is there to show. FILE is what `permafrost eval
# --summary` printed: DiST must be 30 points above the linear probe, and worse on shuffled frames than in their order.
# Says nothing and returns 0 where both hold, else one line and 1.
set -euo pipefail
awk '
  / %/ { value = $0; sub(/ %.*/, "", value); sub(/.* /, "", value) }
  /^ *linear probe .* %/ { probe = value; found++ }
  /^ *DiST on shuffled frames .* %/ { shuffled = value; found++ }
  /^ *DiST +[0-9.]+ %/ { dist = value; found++ }
  END {
    fault = ""
    if (found != 3) fault = "expected the rows of the linear probe, of DiST on shuffled frames and of DiST, found " found + 0
    else if (dist - probe + 0 < 30) fault = "DiST has " dist " %, expected 30 points more than the probe, which has " probe " %"
    else if (shuffled + 0 >= dist + 0) fault = "DiST has " dist " % and " shuffled " % on shuffled frames, expected it to drop"
    if (fault == "") exit 0
    print "check_claims: " FILENAME ": " fault > "/dev/stderr"
    exit 1
  }' "$1"
