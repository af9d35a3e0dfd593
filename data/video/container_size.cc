#include "data/video/container_size.h"

#include <algorithm>
#include <cstring>

#include "core/base/file.h"

namespace permafrost::data {
namespace {

// Reads numbers at offsets; what lies beyond the end is absent, not an error.
class Window {
 public:
  explicit Window(const std::string& path)
      : path_(path), bytes_(core::file_bytes(path)), file_(core::open_for_reading(path)) {}

  uint64_t bytes() const { return bytes_; }

  std::optional<std::string> text(uint64_t offset, size_t length) const {
    if (offset > bytes_ || bytes_ - offset < length) return std::nullopt;
    std::string data(length, '\0');
    core::read_exactly(file_.get(), path_, data.data(), length, offset);
    return data;
  }

 private:
  std::string path_;
  uint64_t bytes_;
  core::FileDescriptor file_;
};

uint64_t big_endian(const std::string& data, size_t first, size_t length) {
  uint64_t value = 0;
  for (size_t i = 0; i < length; ++i) value = value << 8 | static_cast<unsigned char>(data[first + i]);
  return value;
}

uint64_t sum_or_max(uint64_t a, uint64_t b) { return b > UINT64_MAX - a ? UINT64_MAX : a + b; }

// ISO/IEC 14496-12, 4.2: 32-bit size, type, and a 64-bit size where the first is 1; size 0 reaches to the end.
std::optional<uint64_t> mp4_bytes(const Window& file) {
  std::optional<uint64_t> needed;
  uint64_t offset = 0;
  for (int box = 0; box < 100'000; ++box) {
    const auto head = file.text(offset, 8);
    if (!head) break;
    uint64_t size = big_endian(*head, 0, 4);
    if (size == 1) {
      const auto large = file.text(offset + 8, 8);
      if (!large) break;
      size = big_endian(*large, 0, 8);
    }
    if (size < 8) break;
    const std::string type = head->substr(4);
    const uint64_t end = sum_or_max(offset, size);
    if (type == "mdat" || type == "moov") needed = std::max(needed.value_or(0), end);
    if (end > file.bytes()) break;
    offset = end;
  }
  return needed;
}

struct Element {
  uint64_t id = 0;
  uint64_t body = 0;             // offset
  std::optional<uint64_t> size;  // empty: open-ended
};

// RFC 8794: an identifier and a size, each a number whose leading zero bits tell its length.
std::optional<Element> ebml_element(const Window& file, uint64_t offset) {
  const auto first = file.text(offset, 1);
  if (!first) return std::nullopt;
  size_t id_length = 1;
  while (id_length <= 4 && !(static_cast<unsigned char>((*first)[0]) & (0x100 >> id_length))) ++id_length;
  if (id_length > 4) return std::nullopt;
  const auto head = file.text(offset, id_length + 1);
  if (!head) return std::nullopt;
  size_t size_length = 1;
  while (size_length <= 8 && !(static_cast<unsigned char>((*head)[id_length]) & (0x100 >> size_length))) ++size_length;
  if (size_length > 8) return std::nullopt;
  const auto whole = file.text(offset, id_length + size_length);
  if (!whole) return std::nullopt;
  const uint64_t mask = (uint64_t{1} << (7 * size_length)) - 1;
  const uint64_t size = big_endian(*whole, id_length, size_length) & mask;
  Element element{big_endian(*whole, 0, id_length), offset + id_length + size_length, std::nullopt};
  if (size != mask) element.size = size;
  return element;
}

std::optional<uint64_t> matroska_bytes(const Window& file) {
  const auto header = ebml_element(file, 0);
  if (!header || !header->size) return std::nullopt;
  const auto segment = ebml_element(file, sum_or_max(header->body, *header->size));
  constexpr uint64_t kSegment = 0x18538067;
  if (!segment || segment->id != kSegment || !segment->size) return std::nullopt;
  return sum_or_max(segment->body, *segment->size);
}

std::optional<uint64_t> avi_bytes(const std::string& head) {
  uint64_t size = 0;
  for (int byte = 3; byte >= 0; --byte)
    size = size << 8 | static_cast<unsigned char>(head[4 + static_cast<size_t>(byte)]);
  if (size == 0 || size == UINT32_MAX) return std::nullopt;
  return 8 + size;
}

}  // namespace

std::optional<uint64_t> declared_bytes(const std::string& path) {
  const Window file(path);
  const auto head = file.text(0, 12);
  if (!head) return std::nullopt;
  if (head->compare(0, 4, "\x1a\x45\xdf\xa3") == 0) return matroska_bytes(file);
  if (head->compare(0, 4, "RIFF") == 0 && head->compare(8, 4, "AVI ") == 0) return avi_bytes(*head);
  for (const char* type : {"ftyp", "moov", "mdat", "wide", "free", "skip"}) {
    if (head->compare(4, 4, type) == 0) return mp4_bytes(file);
  }
  return std::nullopt;
}

}  // namespace permafrost::data
