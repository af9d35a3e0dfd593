#!/usr/bin/env bash
# What a person and a shell see of any verb: a bar on a terminal and lines elsewhere, colours unless they are unwanted,
# nothing where nothing is wanted; completion that completes, a manual that man can show.
set -euo pipefail
# shellcheck source=tests/launch/lib.sh
source "$(dirname "$0")/lib.sh"
out=$WORK/output
rm -rf "$out" && mkdir -p "$out"

# on_terminal COMMAND...: what it writes to a terminal of 100 columns.
on_terminal() {
  TERM=xterm python3 - "$@" <<'PY'
import fcntl, os, pty, struct, sys, termios
child, terminal = pty.fork()
if child == 0:
    os.execvp(sys.argv[1], sys.argv[1:])
fcntl.ioctl(terminal, termios.TIOCSWINSZ, struct.pack("HHHH", 24, 100, 0, 0))
text = b""
try:
    while data := os.read(terminal, 65536):
        text += data
except OSError:  # the other end is closed
    pass
sys.stdout.buffer.write(text)
sys.exit(os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]))
PY
}
small=(demo --out "$out/demo" --demo.train_clips_per_class 12 --demo.validation_clips_per_class 2 --demo.encoder_steps 1
  --threads 1)
clear=$'\r\033[K'

on_terminal "$PERMAFROST" "${small[@]}" >"$out/bar"
grep -q "demo \[[#.]*\] [0-9]* %  [0-9]* of [0-9]* clips" "$out/bar" || fail "no bar on a terminal: $(cat "$out/bar")"
[[ $(tail -c 600 "$out/bar") == *"$clear"* ]] || fail "the bar is left behind"
tr '\r' '\n' <"$out/bar" | sed -n $'s/^\033\\[K\\(demo \\[.*\\)/\\1/p' >"$out/bars"
[ -s "$out/bars" ] || fail "no bar after the other"
awk 'length($0) > 99 { exit 1 }' "$out/bars" || fail "a bar wider than the terminal"
rm -rf "$out/demo"
"$PERMAFROST" "${small[@]}" 2>"$out/lines"
! grep -q $'\033' "$out/lines" || fail "escapes where there is no terminal"
rm -rf "$out/demo"
"$PERMAFROST" "${small[@]}" --quiet >"$out/quiet" 2>&1 || fail "$(cat "$out/quiet")"
[ ! -s "$out/quiet" ] || fail "--quiet prints: $(cat "$out/quiet")"
rm -rf "$out/demo"
on_terminal "$PERMAFROST" "${small[@]}" --progress never >"$out/never"
! grep -q '\[[#.]*\]' "$out/never" || fail "--progress never shows a bar"

unset NO_COLOR
! on_terminal "$PERMAFROST" report --run "$out/none" >"$out/coloured" || fail "a report of nothing"
grep -q $'\033\[31merror:' "$out/coloured" || fail "no colour on a terminal: $(cat "$out/coloured")"
! NO_COLOR=1 on_terminal "$PERMAFROST" report --run "$out/none" >"$out/plain" || fail "a report of nothing"
! grep -q $'\033' "$out/plain" || fail "colour in spite of NO_COLOR"

"$PERMAFROST" completion bash >"$out/bash"
completed() {  # completed WORD...: what bash offers for the last one
  bash -c 'source "$1"; shift; COMP_WORDS=(permafrost "$@"); COMP_CWORD=$#; _permafrost; echo "${COMPREPLY[*]}"' - \
    "$out/bash" "$@"
}
[ "$(completed ca)" = cache ] || fail "verbs: $(completed ca)"
[ "$(completed cache re)" = "remove relabel recode" ] || fail "actions: $(completed cache re)"
[ "$(completed train --recipe.warmup)" = "--recipe.warmup_epochs --recipe.warmup_start" ] ||
  fail "options: $(completed train --recipe.warmup)"
[ "$(completed cache build --cache.codec f)" = "f32 f16 fp8" ] || fail "values: $(completed cache build --cache.codec f)"
[ "$(completed cache build --codec b)" = bf16 ] || fail "values of a short name: $(completed cache build --codec b)"
[ -z "$(completed text --recipe)" ] || fail "options of another verb: $(completed text --recipe)"
"$PERMAFROST" completion zsh >"$out/zsh"
zsh -n "$out/zsh" || fail "zsh cannot read its completion"
"$PERMAFROST" man >"$out/permafrost.1"
groff -man -Tutf8 -P-cbou -ww "$out/permafrost.1" >"$out/page" 2>"$out/complaints"
[ ! -s "$out/complaints" ] || fail "groff: $(head -5 "$out/complaints")"
grep -q -- "--recipe.epochs NUMBER" "$out/page" || fail "the manual lacks an option"
if "$PERMAFROST" completion fish 2>"$out/fish"; then fail "completion of fish"; fi
grep -q "expected bash or zsh after it, found 'fish'" "$out/fish" || fail "$(cat "$out/fish")"
rm -rf "$out"
