#include "launch/report/page_assets.h"

#include <cstdint>

#include "core/base/checksum.h"

namespace permafrost::launch {
namespace {

uint32_t hex_digit(char digit) { return static_cast<uint32_t>(digit <= '9' ? digit - '0' : digit - 'a' + 10); }

// Base64 of a SHA-256 in hexadecimal digits: 256 bits are 42 characters, one with four bits, and one pad.
std::string base64_of_hex(const std::string& hex) {
  constexpr std::string_view kAlphabet = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
  std::string result;
  uint32_t bits = 0;
  int held = 0;
  for (char digit : hex) {
    bits = (bits << 4) | hex_digit(digit);
    held += 4;
    if (held < 6) continue;
    held -= 6;
    result += kAlphabet[(bits >> held) & 63];
  }
  if (held > 0) result += kAlphabet[(bits << (6 - held)) & 63];
  while (result.size() % 4 != 0) result += '=';
  return result;
}

}  // namespace

// Colours have one meaning each: --accent is DiST and what is right, --warm is what went wrong.
const std::string_view kStyle = R"css(
:root{--paper:#fbfbf9;--card:#fff;--ink:#1c242b;--quiet:#5c6870;--line:#e2e5e4;--track:#eef1f0;--accent:#1d6f8a;
--light:#93bccb;--plain:#9aa5ab;--warm:#b9562a;--on:#fff;--part3:#c79a3b;--part4:#8d7aa8}
@media (prefers-color-scheme:dark){:root{--paper:#12171b;--card:#181f24;--ink:#e3e8ea;--quiet:#96a3ab;--line:#2a343b;
--track:#202930;--accent:#62b6cf;--light:#33667a;--plain:#66747d;--warm:#e08a5c;--on:#0d1215;--part3:#d3ab55;--part4:#a995c6}}
*{box-sizing:border-box}
html{-webkit-text-size-adjust:100%}
body{margin:0 auto;padding:2.5rem 1.25rem 4rem;max-width:62rem;background:var(--paper);color:var(--ink);
font:16px/1.55 system-ui,-apple-system,"Segoe UI",Roboto,"Helvetica Neue",Arial,sans-serif}
h1{margin:0 0 .5rem;font-size:1.9rem;line-height:1.2;font-weight:650;letter-spacing:-.01em;overflow-wrap:anywhere}
h2{margin:0 0 1rem;font-size:1.15rem;font-weight:650}
p{margin:.4rem 0}
small{display:block;color:var(--quiet);font-size:.8rem;font-weight:400;overflow-wrap:anywhere}
code{font:.86em/1.4 ui-monospace,SFMono-Regular,Menlo,Consolas,monospace;overflow-wrap:anywhere}
.brand{margin:0;color:var(--accent);font-size:.8rem;font-weight:600;letter-spacing:.08em;text-transform:uppercase}
.quiet,.absent,figcaption,caption{color:var(--quiet);font-size:.88rem}
.absent{font-style:italic}
.warning{color:var(--warm)}
.state{display:inline-block;margin-right:.4rem;padding:.05rem .6rem;border-radius:1rem;border:1px solid currentColor;
color:var(--quiet);font-size:.85rem;font-weight:600}
.state.done{color:var(--accent)}
.state.failed,.state.stopped{color:var(--warm)}
.tiles{display:grid;grid-template-columns:repeat(auto-fit,minmax(11rem,1fr));gap:.9rem;margin:1.6rem 0 0}
.tile,section{background:var(--card);border:1px solid var(--line);border-radius:10px}
.tile{padding:.8rem 1rem}
.tile dt{color:var(--quiet);font-size:.85rem}
.tile dd{margin:0;font-size:1.55rem;font-weight:600;line-height:1.35;font-variant-numeric:tabular-nums}
section{margin-top:1.25rem;padding:1.4rem 1.5rem}
table{border-collapse:collapse;width:100%;font-size:.92rem}
caption{padding:0 0 .5rem;text-align:left}
th,td{padding:.38rem .9rem .38rem 0;border-top:1px solid var(--line);text-align:left;vertical-align:top;font-weight:400}
thead th{border-top:0;color:var(--quiet);font-size:.82rem}
.number{text-align:right;font-variant-numeric:tabular-nums;white-space:nowrap}
th:last-child,td:last-child{padding-right:0}
.scroll{overflow-x:auto;margin:1.1rem 0 0}
.scroll:first-child{margin-top:0}
.bars th{width:34%;overflow-wrap:anywhere}
.bars th,.bars td{vertical-align:middle}
.bars .number{width:5.5rem}
.bars svg,.shares{display:block}
.bars rect{fill:var(--plain)}
.bars .main rect{fill:var(--accent)}
.bars .light rect{fill:var(--light)}
.bars .main th,.bars .main .number{font-weight:650}
.bars rect.track,.bars .main rect.track,.bars .light rect.track,.heat .track{fill:var(--track)}
#classes .bars small{display:inline;margin-left:.6rem;white-space:nowrap}
#classes .bars rect:not(.track){fill:var(--accent)}
.part1{fill:var(--plain);background:var(--plain)}
.part2{fill:var(--accent);background:var(--accent)}
.part3{fill:var(--part3);background:var(--part3)}
.part4{fill:var(--part4);background:var(--part4)}
.shares{border-radius:4px;margin:.9rem 0}
.key{display:inline-block;width:.7rem;height:.7rem;margin-right:.5rem;border-radius:2px}
figure{margin:0}
.charts{display:grid;grid-template-columns:repeat(auto-fit,minmax(min(24rem,100%),1fr));gap:1.6rem 2rem}
.charts>:first-child{grid-column:1/-1}
section>.chart{margin-top:1.6rem}
.chart strong{color:var(--ink);font-weight:600;margin-right:.3rem}
.frame{position:relative;margin:.7rem .6rem 1.7rem 3.4rem}
.plot{position:relative;height:11rem}
.charts>:first-child .plot{height:14rem}
.plot svg{display:block;width:100%;height:100%;overflow:visible}
.plot polyline,.plot line{fill:none;vector-effect:non-scaling-stroke;stroke-linejoin:round}
.plot .grid{stroke:var(--line)}
.plot .mark{stroke:var(--warm);stroke-dasharray:4 4;stroke-width:1.2}
.plot .raw{stroke:var(--light);stroke-width:1;opacity:.75}
.plot .mean{stroke:var(--accent);stroke-width:2;stroke-linecap:round}
.plot line.mean{stroke-width:7}
.up span,.across span{position:absolute;color:var(--quiet);font-size:.76rem;line-height:1;white-space:nowrap;
font-variant-numeric:tabular-nums}
.up{position:absolute;inset:0 auto 0 0}
.up span{right:.55rem;transform:translateY(-50%)}
.across{position:relative}
.across span{top:.5rem;transform:translateX(-50%)}
.dot{position:absolute;width:9px;height:9px;margin:-4.5px;border-radius:50%;background:var(--ink);pointer-events:none}
.note{position:absolute;top:-.4rem;padding:.15rem .5rem;border-radius:5px;background:var(--ink);color:var(--paper);
font-size:.8rem;white-space:nowrap;pointer-events:none;transform:translateX(-50%)}
.heat text{fill:var(--ink);font-size:12px}
.heat .right rect{fill:var(--accent)}
.heat .wrong rect{fill:var(--warm)}
.heat text.on{fill:var(--on)}
.heat text.on,.heat text.off{font-size:11px;font-variant-numeric:tabular-nums;pointer-events:none}
details{margin-top:1rem}
summary{cursor:pointer;color:var(--accent);font-size:.92rem}
details>.scroll{margin-top:.8rem}
ul{margin:0;padding-left:1.1rem}
:focus-visible{outline:2px solid var(--accent);outline-offset:2px}
@media (max-width:34rem){body{padding:1.5rem .8rem 3rem}section{padding:1.1rem 1rem}h1{font-size:1.5rem}
.tiles{grid-template-columns:1fr 1fr;gap:.6rem}.tile{padding:.6rem .8rem}.tile dd{font-size:1.25rem}
.bars tr{display:grid;grid-template-columns:1fr auto;gap:.3rem .8rem;padding:.5rem 0;border-top:1px solid var(--line)}
.bars tr>*{width:auto!important;border:0;padding:0}.bars .drawing{grid-area:2/1/3/3}th,td{padding-right:.6rem}.frame{margin-left:2.9rem}}
@media print{body{max-width:none;padding:0}section,.tile{break-inside:avoid}}
)css";

const std::string_view kScript = R"js(
"use strict";
for (const plot of document.querySelectorAll(".plot")) {
  const numbers = (name) => plot.dataset[name].split(" ").map(Number);
  const step = numbers("step"), left = numbers("left"), top = numbers("top"), text = plot.dataset.text.split("|");
  const dot = document.createElement("i"), note = document.createElement("span");
  let at = left.length - 1;
  dot.className = "dot";
  note.className = "note";
  note.setAttribute("aria-live", "polite");
  const show = () => {
    dot.style.left = 100 * left[at] + "%";
    dot.style.top = 100 * top[at] + "%";
    note.style.left = Math.min(88, Math.max(12, 100 * left[at])) + "%";
    note.textContent = "step " + step[at] + ": " + text[at];
    plot.append(dot, note);
  };
  const hide = () => { dot.remove(); note.remove(); };
  plot.tabIndex = 0;
  plot.addEventListener("pointermove", (event) => {
    const box = plot.getBoundingClientRect(), x = (event.clientX - box.left) / box.width;
    at = left.reduce((best, value, i) => Math.abs(value - x) < Math.abs(left[best] - x) ? i : best, 0);
    show();
  });
  plot.addEventListener("pointerleave", hide);
  plot.addEventListener("blur", hide);
  plot.addEventListener("keydown", (event) => {
    const move = {ArrowLeft: -1, ArrowRight: 1}[event.key];
    if (!move) return;
    at = Math.min(left.length - 1, Math.max(0, at + move));
    event.preventDefault();
    show();
  });
}
)js";

std::string script_digest() { return "sha256-" + base64_of_hex(core::sha256_hex(kScript)); }

}  // namespace permafrost::launch
