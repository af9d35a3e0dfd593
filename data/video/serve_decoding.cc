// The other side of DecodeChild: one request a line, one JSON answer a line, pixels behind it.
#include <fcntl.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <unistd.h>

#include <cstdio>
#include <fstream>
#include <memory>
#include <new>
#include <nlohmann/json.hpp>

#include "data/video/decode_child.h"
#include "data/video/isolated_source.h"

namespace permafrost::data {
namespace {

using Json = nlohmann::json;

// Data of this process so far, in bytes: what LibTorch and its like take does not count against a file.
int64_t data_bytes() {
  std::ifstream status("/proc/self/status");
  for (std::string line; std::getline(status, line);) {
    if (line.starts_with("VmData:")) return std::stoll(line.substr(7)) << 10;
  }
  return 0;
}

void limit_memory(int64_t bytes) {
  const auto limit = static_cast<rlim_t>(data_bytes() + bytes);
  const rlimit data{limit, limit};
  const rlimit none{0, 0};
  ::setrlimit(RLIMIT_DATA, &data);
  ::setrlimit(RLIMIT_CORE, &none);
}

bool send_all(int socket, const void* data, size_t bytes) {
  const auto* from = static_cast<const char*>(data);
  for (size_t sent = 0; sent < bytes;) {
    const ssize_t count = ::send(socket, from + sent, bytes - sent, MSG_NOSIGNAL);
    if (count <= 0) return false;
    sent += static_cast<size_t>(count);
  }
  return true;
}

Json answer_open(std::unique_ptr<VideoReader>& reader, const Json& request) {
  reader.reset();
  reader = std::make_unique<VideoReader>(request.at("path").get<std::string>(), limits_of(request.at("limits")));
  return to_json(reader->info());
}

// `pixels`: what is sent behind the answer.
Json answer(std::unique_ptr<VideoReader>& reader, const Json& request, torch::Tensor& pixels) {
  const std::string what = request.at("do");
  if (what == "open") return answer_open(reader, request);
  if (what == "time") return reader->timestamp_seconds(request.at("frame"));
  if (what == "decode") reader->decode_to_end();
  if (what == "read") pixels = reader->read(request.at("indices")).pixels;
  return Json::object();
}

std::string answer_line(std::unique_ptr<VideoReader>& reader, const std::string& line, torch::Tensor& pixels) {
  Json reply;
  try {
    reply["result"] = answer(reader, Json::parse(line), pixels);
    if (reader) reply["counters"] = to_json(reader->counters());
  } catch (const VideoError& error) {
    reply = {{"kind", error.kind()}, {"detail", error.detail()}};
  } catch (const core::IoError& error) {
    reply = {{"io_error", error.what()}};
  }
  return reply.dump(-1, ' ', false, Json::error_handler_t::replace) + "\n";
}

}  // namespace

void serve_decoding(int socket, int64_t memory_bytes, int64_t seconds) {
  limit_memory(memory_bytes);
  std::unique_ptr<VideoReader> reader;
  FILE* in = ::fdopen(::dup(socket), "r");
  char* line = nullptr;
  size_t size = 0;
  try {
    while (in != nullptr && ::getline(&line, &size, in) > 0) {
      torch::Tensor pixels;
      ::alarm(static_cast<unsigned>(seconds + 1));  // the owner may be dead
      const std::string reply = answer_line(reader, line, pixels);
      if (!send_all(socket, reply.data(), reply.size())) break;
      if (pixels.defined() && !send_all(socket, pixels.const_data_ptr(), pixels.nbytes())) break;
      ::alarm(0);
    }
  } catch (const std::bad_alloc&) {
    ::_exit(kChildOutOfMemory);
  } catch (const std::exception& error) {  // LibTorch says "not enough memory" in its own way
    ::_exit(std::string(error.what()).find("memory") != std::string::npos ? kChildOutOfMemory : 1);
  }
  ::_exit(0);
}

}  // namespace permafrost::data
