# Sourced: a Slurm of its own for a test, on this machine alone: munged, slurmctld, and a slurmd for each node's name.
# Folder, key, ports and spool are the test's. Needs root, munge and slurm-wlm.
#
#   start_slurm FOLDER node-a    # then sbatch, srun, scontrol and squeue speak with it
#   stop_slurm                   # whatever happened: from a trap
# shellcheck shell=bash
slurm_folder='' slurm_daemons=()

start_slurm() {  # start_slurm FOLDER NODE...
  slurm_folder=$1
  shift
  local program
  for program in munged slurmctld slurmd; do
    if ! command -v "$program" >/dev/null || [ "$(id -u)" -ne 0 ]; then
      echo "FAILED: expected to start Slurm, found no $program, or no root: apt-get install slurm-wlm munge, and be root" >&2
      exit 1
    fi
  done
  rm -rf "$slurm_folder"
  mkdir -p "$slurm_folder"/{state,spool}
  start_munged
  export SLURM_CONF=$slurm_folder/slurm.conf
  write_slurm_conf "$@"
  slurmctld -c -D -f "$SLURM_CONF" >"$slurm_folder/slurmctld.out" 2>&1 &
  slurm_daemons+=($!)
  local node
  for node in "$@"; do
    slurmd -D -N "$node" -f "$SLURM_CONF" >"$slurm_folder/slurmd-$node.out" 2>&1 &
    slurm_daemons+=($!)
  done
  wait_until 30 nodes_are_idle $# || { cat "$slurm_folder"/*.log >&2; exit 1; }
}

start_munged() {
  dd if=/dev/urandom of="$slurm_folder/munge.key" bs=64 count=1 status=none
  chmod 600 "$slurm_folder/munge.key"
  chmod 755 "$slurm_folder"
  munged --foreground --force --key-file "$slurm_folder/munge.key" --socket "$slurm_folder/munge.socket" \
    --pid-file "$slurm_folder/munged.pid" --log-file "$slurm_folder/munged.log" --seed-file "$slurm_folder/munged.seed" \
    >"$slurm_folder/munged.out" 2>&1 &
  slurm_daemons=($!)
  wait_until 10 test -S "$slurm_folder/munge.socket" || { cat "$slurm_folder"/munged.* >&2; exit 1; }
}

# Ports from the process id, below those that the kernel hands out: tests that run at once do not meet.
write_slurm_conf() {  # write_slurm_conf NODE...
  local port=$((20000 + $$ % 2400 * 4)) node
  {
    cat <<CONF
ClusterName=permafrost
SlurmctldHost=localhost(127.0.0.1)
SlurmctldPort=$port
SlurmUser=root
SlurmdUser=root
AuthType=auth/munge
AuthInfo=socket=$slurm_folder/munge.socket
CredType=cred/munge
StateSaveLocation=$slurm_folder/state
SlurmdSpoolDir=$slurm_folder/spool/%n
SlurmctldPidFile=$slurm_folder/slurmctld.pid
SlurmdPidFile=$slurm_folder/slurmd-%n.pid
SlurmctldLogFile=$slurm_folder/slurmctld.log
SlurmdLogFile=$slurm_folder/slurmd-%n.log
ProctrackType=proctrack/linuxproc
TaskPlugin=task/none
SelectType=select/cons_tres
SelectTypeParameters=CR_Core
MpiDefault=none
ReturnToService=2
SchedulerParameters=batch_sched_delay=0,sched_interval=1
KillWait=5
CONF
    for node in "$@"; do echo "NodeName=$node NodeHostname=$(hostname) NodeAddr=127.0.0.1 Port=$((++port)) CPUs=2"; done
    echo "PartitionName=main Nodes=ALL Default=YES State=UP MaxTime=INFINITE"
  } >"$SLURM_CONF"
}

nodes_are_idle() { [ "$(sinfo --noheader --Node --partition main --format %t 2>/dev/null | grep -c '^idle$')" -eq "$1" ]; }

wait_until() {  # wait_until SECONDS COMMAND...
  local end=$((SECONDS + $1))
  shift
  until "$@"; do
    [ "$SECONDS" -lt "$end" ] || return 1
    sleep 0.1
  done
}

stop_slurm() {
  local daemon
  if [ -n "$slurm_folder" ] && [ "${SLURM_CONF:-}" = "$slurm_folder/slurm.conf" ]; then  # never those of a real Slurm
    scancel --user="$(id -un)" 2>/dev/null || true
    wait_until 20 no_jobs || true
  fi
  for daemon in "${slurm_daemons[@]}"; do kill "$daemon" 2>/dev/null || true; done
  wait "${slurm_daemons[@]}" 2>/dev/null || true
}
no_jobs() { [ -z "$(squeue --noheader 2>/dev/null)" ]; }
