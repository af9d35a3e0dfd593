// Rates of a machine: what an option says, else what `permafrost bench` measured, else an assumption; each with where
// it comes from.
//
//   const MeasuredRates measured = parse_rates(core::read_text("rates.jsonl"), "rates.jsonl", "vit_l14");
//   if (measured.decode) use(measured.decode->per_second, measured.decode->origin);
//
// Of the lines of a rates file these count, the last of each kind:
//   bench "decode", unit "clips": by `threads` times `decoder_threads` cores
//   bench "vit", unit "frames": the frozen forward of one device
//   bench "train-step", unit "clips": a train step of one device; those with features "online" do not count
#pragma once

#include <optional>
#include <string>

#include "launch/plan/plan.h"

namespace permafrost::launch {

struct MeasuredRates {
  std::optional<Rate> decode;         // clips a second of one core
  std::optional<Rate> frozen_frames;  // frames a second of one device
  std::optional<Rate> step;           // clips a second of one device
};

// `where` names the text in errors and origins. Throws DataError for what is no line of bench, for a rate that is none,
// for an encoder other than `encoder`, and where no line counts.
MeasuredRates parse_rates(const std::string& text, const std::string& where, const std::string& encoder);

}  // namespace permafrost::launch
