#!/usr/bin/env bash
# The doctor finds what is wrong, says what to do, and leaves nothing behind: on a machine made worse on purpose.
set -euo pipefail
shopt -s extglob
# shellcheck source=tests/launch/lib.sh
source "$(dirname "$0")/lib.sh"
out=$WORK/doctor
rm -rf "$out" && mkdir -p "$out/folder" "$out/bin"
verdict() {  # verdict FILE WHAT: the verdict and the remedy of the finding of that name
  python3 -c 'import json, sys
found = [one for one in json.load(open(sys.argv[1]))["findings"] if one["what"].endswith(sys.argv[2])]
assert len(found) == 1, (sys.argv[2], found)
print(found[0]["verdict"], found[0]["remedy"] or "-")' "$1" "$2"
}
expect() {  # expect FILE WHAT PATTERN
  local is
  is=$(verdict "$1" "$2") || fail "no finding '$2' in $(cat "$1")"
  [[ $is == $3 ]] || fail "$2: expected $3, found $is"
}

ranks 2 doctor "$out/folder" --json >"$out/two.json" || [ $? -eq 1 ] || fail "doctor on two ranks"
expect "$out/two.json" program "ok -"
expect "$out/two.json" MPI "ok -"
expect "$out/two.json" "video decoders" "ok -"
expect "$out/two.json" "link of ranks" "*"
expect "$out/two.json" "folder: locks" "ok -"
expect "$out/two.json" "folder: speed" "*"
[ -z "$(ls -A "$out/folder")" ] || fail "left behind: $(ls -A "$out/folder")"

(ulimit -n 256 && "$PERMAFROST" doctor "$out/folder" --json >"$out/few.json") || [ $? -eq 1 ] || fail "with few files"
expect "$out/few.json" "open files" "warn raise the hard limit*"
(ulimit -S -n 256 && "$PERMAFROST" doctor "$out/folder" --json >"$out/soft.json") || [ $? -eq 1 ] || fail "with few files"
expect "$out/soft.json" "open files" "warn ulimit -n *"
printf '#!/bin/sh\necho "mpirun (Open MPI) 9.9.9"\n' >"$out/bin/mpirun"
printf '#!/bin/sh\ncase $1 in --version) echo "slurm 99.1" ;; *) echo "none, pmi2" ;; esac\n' >"$out/bin/srun"
cat >"$out/bin/nvidia-smi" <<'SH'
#!/bin/sh
case $1 in
  topo) printf '     GPU0 GPU1\nGPU0 X    LINK\n\nLegend:\n  NV# = Connection traversing a bonded set of # NVLinks\n' ;;
  *) echo "NVIDIA X, 80000 MiB, 1.2" && echo "NVIDIA X, 80000 MiB, 1.2" ;;
esac
SH
chmod +x "$out/bin/"*
sick() {  # sick FILE: doctor with these programs, on a node whose GPUs it cannot see
  PATH="$out/bin:$PATH" CUDA_VISIBLE_DEVICES='' timeout 50 "$PERMAFROST" doctor "$out/folder" --json >"$1" ||
    [ $? -eq 1 ] || fail "$1"
}
sick "$out/worse.json"
expect "$out/worse.json" mpirun "warn *"
expect "$out/worse.json" Slurm "warn *"
expect "$out/worse.json" CUDA "@(fix|warn) *"
expect "$out/worse.json" "links of GPUs" "warn *"
sed -i 's/LINK/NV4/' "$out/bin/nvidia-smi"
sick "$out/linked.json"
expect "$out/linked.json" "links of GPUs" "ok -"
printf '#!/bin/sh\nexit 9\n' >"$out/bin/nvidia-smi"
sick "$out/mute.json"
expect "$out/mute.json" GPUs "fix *"
printf '#!/bin/sh\nexec sleep 60\n' >"$out/bin/nvidia-smi"
sick "$out/hanging.json"
expect "$out/hanging.json" GPUs "fix *"

touch "$out/file"
"$PERMAFROST" doctor "$out/file" >"$out/table" && fail "a file is no folder"
grep -q "^fix   *$out/file " "$out/table" || fail "$(cat "$out/table")"
grep -q "^ *-> give a folder that this user may write" "$out/table" || fail "no remedy in $(cat "$out/table")"
"$PERMAFROST" doctor "$out/none/deeper" --json >"$out/none.json" && fail "a folder that is not there"
expect "$out/none.json" "none/deeper" "fix *"
[ ! -e "$out/none" ] || fail "doctor made the folder that it was asked about"
rm -rf "$out"
