#include "launch/training/run_directory.h"

#include <fcntl.h>
#include <torch/version.h>
#include <unistd.h>

#include <ctime>
#include <map>

#include "core/base/error.h"

namespace permafrost::launch {
namespace {

using nlohmann::json;

std::string utc_now() {
  const std::time_t now = std::time(nullptr);
  std::tm parts{};
  ::gmtime_r(&now, &parts);
  char text[32];
  std::strftime(text, sizeof text, "%Y-%m-%dT%H:%M:%SZ", &parts);
  return text;
}

// "train/loss", or of an event "evaluated/top1": every number but the step.
std::map<std::string, double> scalars_of(const json& line) {
  const std::string group = line.value("event", "train") + "/";
  std::map<std::string, double> scalars;
  for (const auto& [name, value] : line.items()) {
    if (value.is_number() && name != "step") scalars[group + name] = value.get<double>();
  }
  return scalars;
}

bool ends_within_a_line(const std::string& path) {
  const uint64_t bytes = core::file_bytes(path);
  if (bytes == 0) return false;
  char last = 0;
  core::read_exactly(core::open_for_reading(path).get(), path, &last, 1, bytes - 1);
  return last != '\n';
}

}  // namespace

std::string json_text(const json& value, int indent) {
  return value.dump(indent, ' ', false, json::error_handler_t::replace);
}

RunDirectory::RunDirectory(std::string path) : path_(std::move(path)) { core::make_directories(path_); }

void RunDirectory::open_metrics() {
  if (metrics_.is_valid()) return;
  const std::string name = path_ + "/metrics.jsonl";
  metrics_.reset(::open(name.c_str(), O_WRONLY | O_CREAT | O_APPEND | O_CLOEXEC, 0644));
  if (!metrics_.is_valid()) throw core::io_error(name, "open");
  if (ends_within_a_line(name)) core::write_all(metrics_.get(), name, "\n", 1);
}

void RunDirectory::start_events(int64_t step) { events_.emplace(path_, step + 1); }

void RunDirectory::log(json line) {
  open_metrics();
  if (events_) events_->write(line["step"].get<int64_t>(), scalars_of(line));
  line["time"] = utc_now();
  const std::string text = json_text(line, -1) + "\n";
  core::write_all(metrics_.get(), path_ + "/metrics.jsonl", text.data(), text.size());
}

void RunDirectory::set_status(const json& status) { write("status.json", status); }

void RunDirectory::write(const std::string& name, const json& value) {
  core::publish_text(path_ + "/" + name, json_text(value, 1) + "\n");
}

json describe_options(const core::OptionTable& table) {
  json list = json::array();
  for (const core::Option& option : table.options()) {
    list.push_back({{"name", option.name}, {"value", option.value()}, {"origin", option.origin}});
  }
  return list;
}

json describe_environment(int64_t ranks, int64_t threads, torch::Device device) {
  return {{"version", PERMAFROST_VERSION},
          {"torch", TORCH_VERSION},
          {"host", core::host_name()},
          {"cores", ::sysconf(_SC_NPROCESSORS_ONLN)},
          {"device", torch::DeviceTypeName(device.type(), /*lower_case=*/true)},
          {"ranks", ranks},
          {"threads_per_rank", threads}};
}

}  // namespace permafrost::launch
