// The published configs in numbers that a calculator gives.
#include "launch/plan/plan_input.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "core/base/error.h"
#include "core/encoder/architectures.h"

namespace permafrost::launch {
namespace {

using ::testing::HasSubstr;

const VideoCounts kKinetics710{.train = 658340, .eval = 66803, .origin = "published"};

Settings settings_of(const std::string& encoder, int64_t frames) {
  Settings settings;
  settings.model.encoder = encoder;
  settings.sampling.frames = frames;
  settings.model.embedding = encoder == "vit_l14" ? 768 : 512;
  settings.recipe.mix.group = 0;
  return settings;
}

PlanInput input_of(const Settings& settings, PlanSources sources = {.videos = kKinetics710}) {
  return make_plan_input(settings, core::architecture_named(settings.model.encoder), sources);
}

const CodecBytes& codec_of(const PlanInput& input, const std::string& name) {
  for (const CodecBytes& codec : input.codecs) {
    if (codec.codec == name) return codec;
  }
  throw std::out_of_range(name);
}

std::string complaint(const Settings& settings, const PlanSources& sources = {.videos = kKinetics710}) {
  try {
    input_of(settings, sources);
  } catch (const core::ConfigError& error) {
    return error.what();
  }
  return "";
}

TEST(PlanInput, AFrameOfL14Is12_6MegabytesInF16) {
  // 24 layers * 257 tokens * 1024 * 2 bytes = 12,632,064 a frame of the encoder; pixels 2 * 3 * 224 * 224 beside it.
  const double more = codec_of(input_of(settings_of("vit_l14", 64)), "f16").record_bytes -
                      codec_of(input_of(settings_of("vit_l14", 62)), "f16").record_bytes;
  EXPECT_NEAR(more, 12632064 + 2 * 3 * 224 * 224, 100);
}

TEST(PlanInput, FeaturesOfKinetics710In8FramesAre66Terabytes) {
  const double record = codec_of(input_of(settings_of("vit_l14", 16)), "f16").record_bytes;
  EXPECT_NEAR((record - 16 * 3 * 224 * 224) * 658340, 66.5e12, 0.1e12);
}

TEST(PlanInput, ARecordOfB16IsItsPixelsAndFeatures) {
  // 12 layers * 8 frames * 197 tokens * 768 = 14,524,416 values; 16 * 3 * 224 * 224 = 2,408,448 pixels.
  const PlanInput input = input_of(settings_of("vit_b16", 16));
  EXPECT_NEAR(codec_of(input, "f16").record_bytes, 2 * 14524416 + 2408448, 1500);
  EXPECT_NEAR(codec_of(input, "f16").mixed_record_bytes, 14524416 + 2408448, 1500);
  EXPECT_DOUBLE_EQ(input.mixed_share, 0.5);
}

TEST(PlanInput, FlopsAreTwiceTheMultiplyAdds) {
  // B/16: 12 * (4 * 197 * 768^2 + 2 * 197^2 * 768 + 8 * 197 * 768^2) + 196 * 768 * 768 = 17.56 G a frame.
  const PlanInput b16 = input_of(settings_of("vit_b16", 16));
  EXPECT_NEAR(b16.frozen_flops, 2 * 8 * 17.56e9, 0.1e9);
  // 162.8 G of one view (configs/README.md) less 140.5 G, and less what pooling's keys and values would be: 4 layers of
  // 8 frames of 2 * 197 * 384^2, 1.83 G of them spared; three times that, less stem and input linears (6.3 G).
  EXPECT_NEAR(b16.step_flops, 2 * (3 * (162.8e9 - 8 * 17.56e9 - 1.83e9) - 6.26e9), 1e9);
  EXPECT_NEAR(input_of(settings_of("vit_l14", 64)).frozen_flops, 2 * 32 * 81.0e9, 12e9);
}

TEST(PlanInput, ActivationsAreNearWhatWasMeasured) {
  // Growth of the process in the forward of 2 clips, L/14 8+16f, on a CPU.
  Settings settings = settings_of("vit_l14", 16);
  settings.recipe.batch = 2;
  EXPECT_NEAR(input_of(settings).memory.activation_bytes, 1.92e9, 0.1e9);
  settings.train.precision = "bf16";
  EXPECT_NEAR(input_of(settings).memory.activation_bytes, 1.30e9, 0.1e9);
}

TEST(PlanInput, MemoryIsNearWhatThePaperReports) {
  // L/14 of 8 frames, 16 clips on a device: 18.1 GB (MODEL.md).
  Settings settings = settings_of("vit_l14", 16);
  settings.recipe.batch = 16;
  EXPECT_NEAR(input_of(settings).memory.bytes(), 18.1e9, 2e9);
  settings.train.micro_batch = 4;
  EXPECT_EQ(input_of(settings).memory.clips, 4);
}

TEST(PlanInput, AnOptionWinsOverAMeasurementAndThatOverAnAssumption) {
  Settings settings = settings_of("vit_b16", 16);
  EXPECT_EQ(input_of(settings).frozen.origin, "assumed of an H100 in fp32");
  PlanSources sources{.videos = kKinetics710};
  sources.measured.frozen_frames = Rate{80, "rates.jsonl:1"};
  EXPECT_DOUBLE_EQ(input_of(settings, sources).frozen.per_second, 10);  // clips of 8 frames
  EXPECT_EQ(input_of(settings, sources).frozen.origin, "rates.jsonl:1");
  settings.plan.frozen_tflops = 100;
  sources.origin_of = [](const std::string& name) { return name == "plan.frozen_tflops" ? "--" + name : ""; };
  EXPECT_NEAR(input_of(settings, sources).frozen.per_second, 100e12 / input_of(settings).frozen_flops, 1e-6);
  EXPECT_EQ(input_of(settings, sources).frozen.origin, "--plan.frozen_tflops");
}

TEST(PlanInput, KnowsTheVideosOfPublishedConfigs) {
  EXPECT_EQ(published_videos("configs/k710_vit_l14_32+64f.ini")->train, 658340);
  EXPECT_EQ(published_videos("k400_from_k710_vit_l14_32+64f.ini")->eval, 19796);
  EXPECT_EQ(published_videos("ssv2_vit_b16_8+16f.ini")->train, 168913);
  EXPECT_FALSE(published_videos("my.ini").has_value());
  EXPECT_THAT(complaint(settings_of("vit_b16", 16), {}), HasSubstr("give --plan.train_videos and --plan.eval_videos"));
}

TEST(PlanInput, MoreDevicesThanClipsAreRefused) {
  Settings settings = settings_of("vit_b16", 16);
  settings.plan.nodes = 64, settings.plan.gpus = 8;
  EXPECT_THAT(complaint(settings),
              HasSubstr("are 64 and 8, expected no more devices than clips in recipe.batch (256)"));
}

}  // namespace
}  // namespace permafrost::launch
