#include "core/checkpoint/safetensors.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <torch/types.h>

#include <cstring>
#include <fstream>

#include "core/base/error.h"
#include "core/base/file.h"
#include "tests/temporary_directory.h"

namespace permafrost::core {
namespace {

using ::testing::HasSubstr;
using ::testing::ThrowsMessage;

class Safetensors : public ::testing::Test {
 protected:
  std::string write_raw(const std::string& header, const std::string& data) {
    const std::string path = directory_ / "raw.safetensors";
    const uint64_t bytes = header.size();
    std::string text(8, '\0');
    std::memcpy(text.data(), &bytes, 8);
    std::ofstream(path, std::ios::binary) << text + header + data;
    return path;
  }
  void expect_refused(const std::string& header, const std::string& data, const std::string& why) {
    const std::string path = write_raw(header, data);
    EXPECT_THAT([&] { read_safetensors(path); }, ThrowsMessage<DataError>(HasSubstr(why))) << header;
  }

  permafrost::testing::TemporaryDirectory directory_;
};

TEST_F(Safetensors, RoundTripsEveryTypeShapeAndTheMetadata) {
  const std::string path = directory_ / "a.safetensors";
  std::map<std::string, torch::Tensor> tensors;
  for (const auto type : {torch::kFloat64, torch::kFloat32, torch::kFloat16, torch::kBFloat16, torch::kInt64,
                          torch::kInt32, torch::kInt16, torch::kInt8, torch::kUInt8, torch::kBool}) {
    tensors[c10::toString(type)] = torch::arange(6).view({2, 3}).to(type);
  }
  tensors["scalar"] = torch::tensor(2.5);
  tensors["empty"] = torch::zeros({0, 4});
  tensors["strided"] = torch::arange(6).view({2, 3}).t();
  write_safetensors(path, tensors, {{"key", "value \"quoted\""}});
  const SafetensorsFile file = read_safetensors(path);
  ASSERT_EQ(file.tensors.size(), tensors.size());
  for (const auto& [name, tensor] : tensors) {
    EXPECT_EQ(file.at(name).scalar_type(), tensor.scalar_type()) << name;
    EXPECT_TRUE(torch::equal(file.at(name), tensor)) << name;
  }
  EXPECT_EQ(file.metadata.at("key"), "value \"quoted\"");
}

TEST_F(Safetensors, SameTensorsGiveSameBytes) {
  const std::map<std::string, torch::Tensor> tensors{{"b", torch::ones(3)}, {"a", torch::zeros(2)}};
  write_safetensors(directory_ / "1", tensors);
  write_safetensors(directory_ / "2", tensors);
  EXPECT_EQ(read_text(directory_ / "1"), read_text(directory_ / "2"));
}

TEST_F(Safetensors, RefusesWhatItsHeaderDoesNotKeep) {
  const std::string four(4, 'x'), eight(8, 'x');
  expect_refused("{", "", "not JSON");
  expect_refused("[]", "", "not a JSON object");
  expect_refused(R"({"a":{"dtype":"F32","shape":[2],"data_offsets":[0,8]}})", four, "promises 8 bytes");
  expect_refused(R"({"a":{"dtype":"F32","shape":[1],"data_offsets":[0,4]}})", eight, "promises 4 bytes");
  expect_refused(R"({"a":{"dtype":"F32","shape":[2],"data_offsets":[0,4]}})", four, "do not fit its shape");
  expect_refused(R"({"a":{"dtype":"F32","shape":[1],"data_offsets":[4,8]}})", eight, "leaves a gap");
  expect_refused(
      R"({"a":{"dtype":"F32","shape":[1],"data_offsets":[0,4]},"b":{"dtype":"F32","shape":[1],"data_offsets":[0,4]}})",
      four, "overlaps");
  expect_refused(R"({"a":{"dtype":"F7","shape":[1],"data_offsets":[0,4]}})", four, "unknown type 'F7'");
  expect_refused(R"({"a":{"dtype":"F32","shape":[-1],"data_offsets":[0,4]}})", four, "impossible shape");
  expect_refused(R"({"a":{"dtype":"F32","shape":[4611686018427387904,4],"data_offsets":[0,4]}})", four,
                 "impossible shape");
  expect_refused(R"({"a":{"dtype":"F32","shape":"x","data_offsets":[0,4]}})", four, "wrong kind");
  expect_refused(R"({"a":{"shape":[1],"data_offsets":[0,4]}})", four, "wrong kind");
  expect_refused(R"({"a":{"dtype":"F32","shape":[1],"data_offsets":[-4,0]}})", four, "data offsets");
  expect_refused(R"({"a":{"dtype":"F32","shape":[0,4611686018427387904,4611686018427387904],"data_offsets":[0,0]}})",
                 "", "impossible shape");
}

TEST_F(Safetensors, RefusesAHeaderLongerThanTheFileBeforeAllocatingIt) {
  const std::string path = directory_ / "huge";
  std::ofstream(path, std::ios::binary) << std::string(8, '\x7f') << "{}";
  EXPECT_THAT([&] { read_safetensors(path); }, ThrowsMessage<DataError>(HasSubstr("its header claims")));
  std::ofstream(path, std::ios::binary) << "tiny";
  EXPECT_THAT([&] { read_safetensors(path); }, ThrowsMessage<DataError>(HasSubstr("only 4 bytes")));
}

TEST_F(Safetensors, NamesAMissingFileAndAMissingTensor) {
  EXPECT_THAT([&] { read_safetensors("no/such/file"); }, ThrowsMessage<IoError>(HasSubstr("no/such/file")));
  SafetensorsFile file;
  file.path = "x.safetensors";
  EXPECT_THAT([&] { file.at("weight"); },
              ThrowsMessage<DataError>(HasSubstr("x.safetensors: expected a tensor 'weight'")));
}

}  // namespace
}  // namespace permafrost::core
