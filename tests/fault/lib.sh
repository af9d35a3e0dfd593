# Sourced by the scripts of tests/fault: small caches of a few of the demo's clips, the verbs that change one, and the
# program under a fault. A verb's oracle is the folder $WORK/VERB/new, what it starts from $WORK/VERB/old.
# shellcheck shell=bash
: "${FAULT_SHIM:?the path of libfault_shim.so}" "${DEMO:?the folder of prepare_demo.sh}"
# shellcheck source=tests/launch/lib.sh
source "$(dirname "${BASH_SOURCE[0]}")/../launch/lib.sh"
# shellcheck source=launch/mpi_environment.sh
source "$here/../../launch/mpi_environment.sh"
encoder=$DEMO/demo/encoder
# As small as a cache can be and still have several shards, codec tables and a record of every split.
small=("${tiny[@]}" --cache.videos_per_shard 2 --sampling.train_views 1 --sampling.eval_views 1 --codec int8)

program() { "$PERMAFROST" "$@" --threads 1; }
scan() { program dataset scan --list "$1" --root "$DEMO/demo/videos" --out "$2" >/dev/null 2>&1; }

# The command of a verb on the cache in a folder; further words go to the program.
run_verb() {  # run_verb VERB FOLDER [OPTION ...]
  local verb=$1 folder=$2
  shift 2
  case $verb in
    build) program cache build --manifest "$WORK/some.jsonl" --encoder "$encoder" --out "$folder" "${small[@]}" "$@" ;;
    add) program cache add --manifest "$WORK/all.jsonl" --encoder "$encoder" --cache "$folder" "${small[@]}" "$@" ;;
    remove) program cache remove --cache "$folder" --ids "$WORK/removed.txt" "$@" ;;
    relabel) program cache relabel --cache "$folder" --manifest "$WORK/renamed.jsonl" "$@" ;;
    recode) program cache recode --cache "$WORK/build/new" --out "$folder" --codec int4 "$@" ;;
    repair) program cache verify --repair --cache "$folder" --manifest "$WORK/some.jsonl" --encoder "$encoder" "$@" ;;
  esac
}

start_from() {  # start_from VERB FOLDER: the folder as the verb finds it
  rm -rf "$2" && mkdir -p "$(dirname "$2")"
  [ ! -d "$WORK/$1/old" ] || cp -r "$WORK/$1/old" "$2"
}

# Manifests, and for each verb the folder before and after, undisturbed.
prepare() {  # prepare VERB...
  local verb
  rm -rf "$WORK" && mkdir -p "$WORK"
  local list=$DEMO/demo/videos/list.csv
  head -n 4 "$list" >"$WORK/some.csv"
  tail -n 2 "$list" >>"$WORK/some.csv"  # of validation
  { cat "$WORK/some.csv" && sed -n 8,9p "$list"; } >"$WORK/all.csv"
  sed 's/^red /crimson /' "$WORK/some.csv" >"$WORK/renamed.csv"
  scan "$WORK/some.csv" "$WORK/some.jsonl"
  scan "$WORK/all.csv" "$WORK/all.jsonl"
  scan "$WORK/renamed.csv" "$WORK/renamed.jsonl"
  sed -n 3p "$WORK/some.jsonl" | grep -o '"id":"[^"]*"' | cut -d'"' -f4 >"$WORK/removed.txt"
  [ -s "$WORK/removed.txt" ] || fail "no id to remove in $WORK/some.jsonl"
  for verb in build "$@"; do
    [ ! -d "$WORK/$verb/new" ] || continue
    mkdir -p "$WORK/$verb"
    case $verb in
      add | remove | relabel | repair) cp -r "$WORK/build/new" "$WORK/$verb/old" ;;
    esac
    [ "$verb" != repair ] || rm "$WORK/repair/old/shard-00001.h5"
    start_from "$verb" "$WORK/$verb/new"
    run_verb "$verb" "$WORK/$verb/new" >"$WORK/$verb/log" 2>&1 || fail "$verb: $(cat "$WORK/$verb/log")"
    program cache verify --cache "$WORK/$verb/new" --deep >/dev/null || fail "$verb: its cache does not verify"
  done
}

# A command with the shim on the folder; its output is in FOLDER.log, the calls in FOLDER.trace.
with_fault() {  # with_fault FAULT CALL FOLDER COMMAND...
  rm -f "$3.trace"
  FAULT_DO=$1 FAULT_AT=$2 FAULT_FOLDER=$3 FAULT_TRACE=$3.trace LD_PRELOAD=$FAULT_SHIM "${@:4}" >"$3.log" 2>&1
}

# Runs the undisturbed verb under the shim; the calls that it makes are then in $WORK/VERB/counted.trace.
count_calls() {  # count_calls VERB
  local folder=$WORK/$1/counted
  start_from "$1" "$folder"
  with_fault none 0 "$folder" run_verb "$1" "$folder" || fail "$1 under the shim: $(cat "$folder.log")"
  same "$folder" "$WORK/$1/new" || fail "$1: other bytes under the shim"
}

# The script again with the words `--one FAULT VERB CALL` for calls of the verb, two at a time. Of writes to one file in
# a row the first and the last count. Each such call meets one of the faults, at most FAULT_MOST calls each fault, evenly
# spread; where FAULT_MOST is "all", each call meets each fault.
try_faults() {  # try_faults VERB MOST FAULT...
  local verb=$1 most=${FAULT_MOST:-$2} turn=0 fault
  shift 2
  awk 'NR > 1 && ($2 " " $3) == last { held = $1; next } { if (held) print held; held = ""; print $1; last = $2 " " $3 }
    END { if (held) print held }' "$WORK/$verb/counted.trace" >"$WORK/$verb/calls"
  for fault in "$@"; do
    awk -v most="$most" -v turn="$turn" -v faults="$#" 'most == "all" || NR % faults == turn' \
      "$WORK/$verb/calls" >"$WORK/$verb/chosen"
    awk -v most="$most" -v count="$(wc -l <"$WORK/$verb/chosen")" \
      'most == "all" || count <= most || int(NR * most / count) != int((NR - 1) * most / count)' \
      "$WORK/$verb/chosen" >"$WORK/$verb/tried"
    xargs -P 2 -n 1 "$0" --one "$fault" "$verb" <"$WORK/$verb/tried" || fail "$verb, $fault: see above"
    echo "$verb, $fault: at $(wc -l <"$WORK/$verb/tried") of $(wc -l <"$WORK/$verb/counted.trace") calls"
    turn=$((turn + 1))
  done
}

files_of() { (cd "$1" && find . -type f ! -name .lock | sort); }
same() {  # same A B: the same files with the same bytes, the lock apart
  [ "$(files_of "$1")" = "$(files_of "$2")" ] && (cd "$1" && find . -type f ! -name .lock -exec sha256sum {} +) |
    (cd "$2" && sha256sum --check --status)
}

# Whether all that the published index names has the bytes of the undisturbed cache before or after the verb. Where no
# index is, nothing reads the folder: so it is before a first index, and while shards are taken down or repaired.
old_or_new() {  # old_or_new VERB FOLDER
  local state name
  if [ ! -e "$2/index.json" ]; then
    case $1 in
      add | relabel) return 1 ;;
      *) return 0 ;;
    esac
  fi
  for state in old new; do
    cmp -s "$2/index.json" "$WORK/$1/$state/index.json" || continue
    for name in $(cd "$WORK/$1/$state" && ls -- *.h5 codec.safetensors); do
      cmp -s "$2/$name" "$WORK/$1/$state/$name" || return 1
    done
    return 0
  done
  return 1
}

# After a fault: the folder is the old or the new one, and the verb started again ends with the oracle's files. (A recode
# whose index is there is complete, and a complete cache it refuses, unless its own mark is left in it.)
expect_recovery() {  # expect_recovery VERB FOLDER WHAT
  old_or_new "$1" "$2" || fail "$3: neither the old nor the new cache: $(ls -la "$2"; cat "$2.log")"
  if [ "$1" != recode ] || [ ! -e "$2/index.json" ] || [ -e "$2/.recode" ]; then
    run_verb "$1" "$2" >"$2.again" 2>&1 || fail "$3: started again: $(cat "$2.again")"
  fi
  same "$2" "$WORK/$1/new" || fail "$3: other files in the end: $(ls -la "$2"; cat "$2.log")"
}

# The rank of a process, "" where it is none.
rank_of() { { tr '\0' '\n' <"/proc/$1/environ"; } 2>/dev/null | sed -n 's/^OMPI_COMM_WORLD_RANK=//p'; }
expect_end() {  # expect_end WHAT PID...: all of them within MOST seconds, or 10; what was said is in $WORK/log
  local what=$1 pid most=${MOST:-10}
  shift
  SECONDS=0
  for pid in "$@"; do
    while kill -0 "$pid" 2>/dev/null && [ "$(cut -d' ' -f3 "/proc/$pid/stat" 2>/dev/null)" != Z ]; do
      [ "$SECONDS" -lt "$most" ] || fail "$what: process $pid is still there after $most seconds: $(cat "$WORK/log")"
      sleep 0.05
    done
  done
}
# Sends a signal to one rank of a job, whose processes it leaves in $ranks. False where the rank is not there.
signal_rank() {  # signal_rank JOB RANK SIGNAL
  local pid
  mapfile -t ranks < <(pgrep -P "$1")
  for pid in "${ranks[@]}"; do
    [ "$(rank_of "$pid")" = "$2" ] || continue
    kill -"$3" "$pid" 2>/dev/null
    return
  done
  return 1
}
# After signal_rank JOB RANK STOP: the job ends by its watchdog, which names the rank and where it was. In MOST seconds:
# its own deadline; rank 0's last words; what the others leave rank 0; mpirun's end.
expect_named() {  # expect_named JOB RANK WHERE
  local code=0
  MOST=30 expect_end "rank $2 stopped" "$1" "${ranks[@]}"
  wait "$1" 2>/dev/null || code=$?
  [ "$code" -eq 1 ] || fail "rank $2 stopped: expected the exit code 1, found $code: $(cat "$WORK/log")"
  grep -qE "rank $2 on .*, pid [0-9]+: silent for [0-9.]+ s, last in $3" "$WORK/log" ||
    fail "rank $2 stopped: it is not named with '$3': $(cat "$WORK/log")"
}
# Kills one rank, mpirun, or all of a job; says whom in $victim, and "none" where there was nobody. The rank is $rank.
kill_one_of() {  # kill_one_of VICTIM JOB RANK_PID...
  local ranks=("${@:3}") killed
  victim=$1
  [ "${#ranks[@]}" -gt 0 ] || victim=all  # the ranks are not started yet, or ended
  case $victim in
    rank) killed=${ranks[RANDOM % ${#ranks[@]}]} && rank=$(rank_of "$killed") && [ -n "$rank" ] && kill -KILL "$killed" 2>/dev/null ;;
    mpirun) kill -KILL "$2" 2>/dev/null ;;
    all) kill -KILL "$2" "${ranks[@]}" 2>/dev/null ;;
  esac || victim=none
}
sleep_ms() { sleep "$(printf '%d.%03d' $(($1 / 1000)) $(($1 % 1000)))"; }

# For a script that kills a job again and again: a folder, $wanted kills and a seed of its own, and how often so far.
prepare_kills() {  # prepare_kills WANTED
  wanted=${FAULT_KILLS:-$1}
  local seed=${FAULT_SEED:-$RANDOM}
  echo "seed $seed (FAULT_SEED)"
  RANDOM=$seed
  rm -rf "$WORK" && mkdir -p "$WORK"
  kills=0 ended=0
}

# Starts a command and kills it within so many milliseconds: one rank, mpirun, or all in turn. It is over in less than 10
# seconds, and a rank that was killed is named. $what and $victim say what was done, $code is the job's, $WORK/log what it
# said.
kill_at_random() {  # kill_at_random MOST_MS COMMAND...
  local victims=(rank rank mpirun all) delay_ms=$((RANDOM % $1)) job ranks
  ("${@:2}") >"$WORK/log" 2>&1 &
  job=$!
  sleep_ms "$delay_ms"
  mapfile -t ranks < <(pgrep -P "$job")
  what="kill $kills after $delay_ms ms"
  kill_one_of "${victims[kills % 4]}" "$job" "${ranks[@]}"
  [ "$victim" = none ] || kills=$((kills + 1))
  expect_end "$what of $victim" "$job" "${ranks[@]}"
  code=0
  wait "$job" 2>/dev/null || code=$?
  [ "$victim" != rank ] || [ "$code" -eq 0 ] || grep -q "rank $rank " "$WORK/log" ||
    fail "$what: rank $rank is not named: $(cat "$WORK/log")"
}
