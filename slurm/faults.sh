# Sourced by run_step.sh: which host a fault comes from, and how often it has. The job's log is the record: the first of
# permafrost's and srun's words about a step names the host, and a line "fault on HOST" goes to the log for each. A fault
# that names no host (a damaged cache, a full disk) would come again, and ends the job.
#
#   log_begin; srun ... || requeue_after_fault
# shellcheck shell=bash

log_begin() {
  job_log=$(readlink "/proc/$$/fd/2")
  log_bytes=$(stat --format %s "$job_log" 2>/dev/null) || log_bytes=0
}

# The host that the words of a step, on standard input, blame first: a rank that the watchdog names, or one that a signal
# ended before Slurm ended the step.
faulty_host() {
  sed -nE '
    s/^.* error: rank [0-9]+ on ([^ ,]+), pid [0-9]+: (silent for|behind the others).*/\1/p; t end
    s/^srun: error: ([^ :]+): tasks? [^:]*: (Killed|Aborted|Segmentation fault|Bus error|Illegal instruction|Floating point exception).*/\1/p; t end
    /^(srun|slurmstepd)[^ ]* .*(Terminating StepId|CANCELLED AT)/ b end
    b
    :end
    q'
}

# Every fault of this job, one host a line.
faulty_hosts() { sed -nE 's/^fault on ([^ :]+): .*/\1/p' "$job_log"; }

# The job's excluded hosts, those of its submission among them, with HOST where it has had PERMAFROST_HOST_FAULTS.
excluded_hosts() {  # excluded_hosts HOST
  local excluded
  excluded=$(job_field ExcNodeList)
  excluded=${excluded#(null)}
  if [ "$(faulty_hosts | grep -cxF "$1")" -ge "${PERMAFROST_HOST_FAULTS:-2}" ]; then
    excluded+=${excluded:+,}$1
  fi
  echo "$excluded"
}

# Whether as many nodes as the job needs are left without these.
has_hosts_without() {  # has_hosts_without HOST,HOST,...
  local left
  left=$(comm -23 <(sinfo --noheader --Node --partition "$SLURM_JOB_PARTITION" --format %N | sort -u) \
    <(scontrol show hostnames "$1" | sort -u) | wc -l)
  [ "$left" -ge "$SLURM_JOB_NUM_NODES" ]
}

requeue_after_fault() {
  local host faults most=${PERMAFROST_FAULTS:-5}
  [ -f "$job_log" ] || return 0
  host=$(tail --bytes=+$((log_bytes + 1)) "$job_log" | faulty_host)
  [ -n "$host" ] || return 0
  echo "fault on $host: see above" >&2
  faults=$(faulty_hosts | wc -l)
  if [ "$faults" -gt "$most" ]; then
    echo "$faults faults (PERMAFROST_FAULTS=$most): not started again" >&2
    return 0
  fi
  local excluded
  excluded=$(excluded_hosts "$host")
  if [ -n "$excluded" ] && ! has_hosts_without "$excluded"; then
    echo "no host left to go on without $excluded: not started again" >&2
    return 0
  fi
  requeue "a fault, $faults of at most $most${excluded:+; without $excluded}" ${excluded:+ExcNodeList="$excluded"}
}
