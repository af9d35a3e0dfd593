// preprocess_check FILE: how far our preprocessing is from a fixture's, as one JSON line whose numbers are errors only.
//
// FILE is a safetensors file with `image.i` (uint8 [3,H,W]) and `resized_cropped.i`; or one with `imgN.u8` (uint8
// [H,W,3]) and any of the outputs below, whose names may end in a stride, "[:,::4,::4]"; or a sampling.json. Pixels
// differ in 255ths: largest difference of each kind. Frame indices differ in number of clips with any other index.
// CLIP's float frames (clip_float_tensor_out) keep what bicubic overshoots, which no frame of bytes can: there the
// number is how much farther we are from them than Pillow's frame in the same file. What is not known, or cannot be, as
// a random view, is named in `not_compared`.
#include <algorithm>
#include <cstdio>
#include <map>
#include <nlohmann/json.hpp>
#include <regex>
#include <string>

#include "core/base/error.h"
#include "core/base/file.h"
#include "core/checkpoint/safetensors.h"
#include "data/video/augment.h"
#include "data/video/sampling.h"
#include "data/video/transform.h"
#include "tests/core/golden.h"

namespace {

using namespace permafrost;
using nlohmann::json;

constexpr int64_t kSize = 224;

struct Result {
  std::map<std::string, double> errors;
  std::vector<std::string> not_compared;

  void add(const std::string& kind, double error) {
    errors[kind] =
        permafrost::testing::printable(permafrost::testing::worse(errors.contains(kind) ? errors[kind] : 0.0, error));
  }
};

// An output's name, as "img0.dist_crop3_1[:,::8,::8]" in parts.
struct OutputName {
  std::string image, output;
  int64_t row_step = 1, column_step = 1;
};

OutputName parse(const std::string& name) {
  static const std::regex pattern(R"((.+?)\.([^\[]+)(?:\[:,::(\d+),::(\d+)\])?)");
  std::smatch match;
  if (!std::regex_match(name, match, pattern)) return {};
  OutputName parsed{.image = match[1], .output = match[2]};
  if (match[3].matched) {
    parsed.row_step = std::stoll(match[3]);
    parsed.column_step = std::stoll(match[4]);
  }
  return parsed;
}

torch::Tensor in_255ths(const torch::Tensor& normalised) {  // [3,h,w]
  const torch::Tensor mean = torch::tensor({.48145466, .4578275, .40821073}, torch::kFloat64).view({3, 1, 1});
  const torch::Tensor deviation = torch::tensor({.26862954, .26130258, .27577711}, torch::kFloat64).view({3, 1, 1});
  return (normalised.to(torch::kFloat64) * deviation + mean) * 255;
}

double difference(const torch::Tensor& found, const torch::Tensor& expected) {
  return (found.to(torch::kFloat64) - expected.to(torch::kFloat64)).abs().max().item<double>();
}

// Our frame for an output of this name, uint8 [3,224,224]; undefined where there is no such output.
torch::Tensor make(const torch::Tensor& frame, const std::string& output) {
  const data::TransformOptions released{.size = kSize};
  const data::TransformOptions clip{.size = kSize, .resize = data::ResizeMode::kBicubicAntialias};
  if (output.starts_with("clip_")) return data::resize_and_crop(frame, clip)[0];
  if (output == "dist_test_out") return data::resize_and_crop(frame, released)[0];
  std::smatch match;
  static const std::regex crops(R"(dist_crop3_([012]))"),
      train(R"(dist_train_(hflip_)?rrc_i(\d+)_j(\d+)_h(\d+)_w(\d+))");
  if (std::regex_match(output, match, crops)) {
    const std::string which = match[1];
    return data::resize_and_crop(frame, released,
                                 which == "0"   ? data::CropPosition::kLeftTop
                                 : which == "1" ? data::CropPosition::kCentre
                                                : data::CropPosition::kRightBottom)[0];
  }
  if (!std::regex_match(output, match, train)) return {};
  const data::CropBox box{std::stoll(match[2]), std::stoll(match[3]), std::stoll(match[4]), std::stoll(match[5])};
  return data::augment(frame, {.is_flipped = match[1].matched, .crop = box}, released)[0];
}

std::string kind_of(const std::string& output) {
  for (const char* kind : {"dist_train", "dist_crop3"}) {
    if (output.starts_with(kind)) return kind;
  }
  return output == "clip_float_tensor_out" ? output + "_beyond_pillow" : output;
}

// How much farther `found` is from the exact frame than Pillow's is.
double beyond_pillow(const torch::Tensor& found, const torch::Tensor& exact, const torch::Tensor& pillow) {
  return ((found.to(torch::kFloat64) - exact).abs() - (pillow.to(torch::kFloat64) - exact).abs()).max().item<double>();
}

void check_output(const core::SafetensorsFile& file, const std::string& name, Result& result) {
  const OutputName parsed = parse(name);
  const bool is_float_clip = parsed.output == "clip_float_tensor_out";
  const std::string source = parsed.image + ".u8", pillow = parsed.image + ".clip_resize_crop_u8";
  torch::Tensor found;
  if (file.has(source) && (!is_float_clip || file.has(pillow))) {
    found = make(file.at(source).permute({2, 0, 1}).unsqueeze(0).contiguous(), parsed.output);  // [3,224,224]
  }
  if (!found.defined()) {
    result.not_compared.push_back(name);
    return;
  }
  found = found.slice(1, 0, std::nullopt, parsed.row_step).slice(2, 0, std::nullopt, parsed.column_step);
  const torch::Tensor stored = file.at(name);
  const torch::Tensor expected = stored.scalar_type() == torch::kUInt8 ? stored.permute({2, 0, 1}) : in_255ths(stored);
  result.add(kind_of(parsed.output), is_float_clip ? beyond_pillow(found, expected, file.at(pillow).permute({2, 0, 1}))
                                                   : difference(found, expected));
}

void check_pixels(const std::string& path, Result& result) {
  const core::SafetensorsFile file = core::read_safetensors(path);
  const data::TransformOptions clip{.size = kSize, .resize = data::ResizeMode::kBicubicAntialias};
  for (const auto& [name, tensor] : file.tensors) {
    if (name.starts_with("image.") || name.ends_with(".u8")) continue;
    const std::string image = "image." + name.substr(name.find('.') + 1);
    if (name.starts_with("resized_cropped.") && file.has(image)) {
      result.add("resized_cropped",
                 difference(data::resize_and_crop(file.at(image).unsqueeze(0).contiguous(), clip)[0], tensor));
    } else {
      check_output(file, name, result);
    }
  }
}

void check_sampling(const std::string& path, Result& result) {
  const json file = json::parse(core::read_text(path));
  for (const auto& [kind, cases] : file.items()) {
    if (kind != "segment_test") {
      result.not_compared.push_back(kind);
      continue;
    }
    double mismatches = 0, random = 0;
    for (const json& test : cases) {
      const int64_t views = test.at("num_clips"), view = test.at("clip_idx");
      if (view < 0 && views > 1) {
        ++random;
        continue;
      }
      const std::vector<int64_t> found =
          data::sample_view(test.at("vid_length"), test.at("num_frames"), std::max<int64_t>(view, 0), views);
      mismatches += found == test.at("index").get<std::vector<int64_t>>() ? 0 : 1;
    }
    result.add("segment_test_mismatches", mismatches);
    if (random > 0) result.not_compared.push_back(kind + " with clip_idx -1 of several clips: no view");
  }
}

}  // namespace

int main(int count, char** arguments) {
  if (count != 2) {
    std::fprintf(stderr, "usage: preprocess_check FILE.safetensors|FILE.json\n");
    return permafrost::core::kExitUsage;
  }
  Result result;
  try {
    const std::string path = arguments[1];
    path.ends_with(".json") ? check_sampling(path, result) : check_pixels(path, result);
  } catch (const std::exception& error) {
    std::fprintf(stderr, "%s: %s\n", arguments[1], error.what());
    return permafrost::core::kExitError;
  }
  json line = result.errors;
  if (!result.not_compared.empty()) line["not_compared"] = result.not_compared;
  std::printf("%s\n", line.dump().c_str());
  return permafrost::core::kExitDone;
}
