#include "launch/tensorboard/event_file.h"

#include <unistd.h>

#include <chrono>
#include <cstring>

#include "core/base/checksum.h"

namespace permafrost::launch {
namespace {

double seconds_since_1970() {
  return std::chrono::duration<double>(std::chrono::system_clock::now().time_since_epoch()).count();
}

// So that a checksum of bytes that hold their own checksum is no special value.
uint32_t masked_crc32c(const std::string& bytes) {
  const uint32_t crc = core::crc32c(bytes.data(), bytes.size());
  return ((crc >> 15) | (crc << 17)) + 0xa282ead8U;
}

template <class Number>
std::string little_endian(Number value) {
  std::string bytes(sizeof value, '\0');
  std::memcpy(bytes.data(), &value, sizeof value);
  return bytes;
}

// Fields of protobuf's wire format: their number and kind, then what they hold. Written here, since
// LibTorch exports some names of an older protobuf, with which a newer one in the same program would mix.
std::string varint(uint64_t value) {
  std::string bytes;
  for (; value >= 0x80; value >>= 7) bytes += static_cast<char>(value | 0x80);
  return bytes + static_cast<char>(value);
}
std::string number_field(int number, int64_t value) {
  return varint(static_cast<uint64_t>(number) << 3 | 0) + varint(static_cast<uint64_t>(value));
}
std::string double_field(int number, double value) {
  return varint(static_cast<uint64_t>(number) << 3 | 1) + little_endian(value);
}
std::string float_field(int number, float value) {
  return varint(static_cast<uint64_t>(number) << 3 | 5) + little_endian(value);
}
std::string bytes_field(int number, const std::string& bytes) {
  return varint(static_cast<uint64_t>(number) << 3 | 2) + varint(bytes.size()) + bytes;
}

// TensorFlow's Event: wall_time = 1, step = 2, and one of file_version = 3, summary = 5, session_log = 7.
std::string event_at(int64_t step, int what, const std::string& bytes) {
  return double_field(1, seconds_since_1970()) + number_field(2, step) + bytes_field(what, bytes);
}

}  // namespace

EventFile::EventFile(const std::string& folder, int64_t first_step)
    : path_(folder + "/events.out.tfevents." + std::to_string(static_cast<int64_t>(seconds_since_1970())) + "." +
            core::host_name() + "." + std::to_string(::getpid())),
      fd_(core::open_for_writing(path_)) {
  constexpr int kStart = 1;  // of SessionLog.status, its field 1
  append(event_at(0, 3, "brain.Event:2"));
  append(event_at(first_step, 7, number_field(1, kStart)));
}

void EventFile::write(int64_t step, const std::map<std::string, double>& scalars) {
  std::string summary;  // of values = 1: tag = 1, simple_value = 2
  for (const auto& [tag, value] : scalars) {
    summary += bytes_field(1, bytes_field(1, tag) + float_field(2, static_cast<float>(value)));
  }
  append(event_at(step, 5, summary));
}

void EventFile::append(const std::string& payload) {
  const std::string length = little_endian(static_cast<uint64_t>(payload.size()));
  const std::string record =
      length + little_endian(masked_crc32c(length)) + payload + little_endian(masked_crc32c(payload));
  core::write_all(fd_.get(), path_, record.data(), record.size());
}

}  // namespace permafrost::launch
