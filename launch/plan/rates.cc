#include "launch/plan/rates.h"

#include <cmath>
#include <nlohmann/json.hpp>
#include <sstream>

#include "core/base/error.h"

namespace permafrost::launch {
namespace {

using nlohmann::json;

constexpr size_t kShownBytes = 40;

[[noreturn]] void refuse(const std::string& where, const std::string& expected, const std::string& found) {
  throw core::DataError(where + ": expected " + expected + ", found " + found +
                        ": give --rates a file of what `permafrost bench` printed");
}

std::string shown(const std::string& text) {
  std::string result = "'";
  for (const char letter : text.substr(0, kShownBytes)) result += letter >= ' ' && letter <= '~' ? letter : '?';
  return result + (text.size() > kShownBytes ? "...'" : "'");
}

struct Line {
  std::string bench, unit;
  double per_second = 0;
  json fields;
};

Line parse_line(const std::string& text, const std::string& where) {
  Line line;
  line.fields = json::parse(text, nullptr, /*allow_exceptions=*/false);
  const json& fields = line.fields;
  if (!fields.is_object()) refuse(where, "a line of JSON with bench, per_second and unit", shown(text));
  for (const char* name : {"bench", "unit"}) {
    if (!fields.contains(name) || !fields[name].is_string()) refuse(where, std::string(name) + " as text", shown(text));
  }
  if (!fields.contains("per_second") || !fields["per_second"].is_number()) {
    refuse(where, "per_second as a number", shown(text));
  }
  line.bench = fields["bench"];
  line.unit = fields["unit"];
  line.per_second = fields["per_second"];
  if (!(line.per_second > 0) || !std::isfinite(line.per_second)) {
    refuse(where, "per_second above 0", fields["per_second"].dump());
  }
  return line;
}

double count(const Line& line, const char* name, const std::string& where) {
  const json value = line.fields.value(name, json(1));
  if (!value.is_number_integer() || value.get<int64_t>() < 1) {
    refuse(where, std::string(name) + " as a whole number from 1", value.dump());
  }
  return value.get<double>();
}

void require_encoder(const Line& line, const std::string& encoder, const std::string& where) {
  const json found = line.fields.value("encoder", json(encoder));
  if (found == encoder) return;
  throw core::DataError(where + ": bench " + line.bench + " of encoder " + found.dump() + ", expected " + encoder +
                        " as model.encoder says: measure that one");
}

void take(const Line& line, const std::string& where, const std::string& encoder, MeasuredRates& rates) {
  const auto rate = [&](double shared_by) {
    std::string origin = where + " (bench " + line.bench;
    if (line.fields.contains("frames")) origin += ", " + line.fields["frames"].dump() + " frames";
    return Rate{line.per_second / shared_by, origin + ")"};
  };
  if (line.bench == "decode") {
    if (line.unit != "clips") refuse(where, "unit clips of bench decode", shown(line.unit));
    rates.decode = rate(count(line, "threads", where) * count(line, "decoder_threads", where));
  } else if (line.bench == "vit") {
    require_encoder(line, encoder, where);
    if (line.unit != "frames") refuse(where, "unit frames of bench vit", shown(line.unit));
    rates.frozen_frames = rate(1);
  } else if (line.bench == "train-step" && line.fields.value("features", json()) != "online") {
    require_encoder(line, encoder, where);
    if (line.unit != "clips") refuse(where, "unit clips of bench train-step", shown(line.unit));
    rates.step = rate(1);
  }
}

}  // namespace

MeasuredRates parse_rates(const std::string& text, const std::string& where, const std::string& encoder) {
  MeasuredRates rates;
  std::istringstream lines(text);
  int64_t number = 0;
  for (std::string line; std::getline(lines, line);) {
    const std::string place = where + ":" + std::to_string(++number);
    if (!line.empty()) take(parse_line(line, place), place, encoder, rates);
  }
  if (!rates.decode && !rates.frozen_frames && !rates.step) {
    refuse(where, "a line of bench decode, vit or train-step", "none");
  }
  return rates;
}

}  // namespace permafrost::launch
