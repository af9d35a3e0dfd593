// A run directory with its cache and manifest, written by a test.
//
//   RunFolder folder;
//   folder.write("status.json", R"({"state": "done", "step": 3, "steps": 3})");
//   RunSummary run = read_run(folder.options());
#pragma once

#include <filesystem>
#include <nlohmann/json.hpp>
#include <string>
#include <vector>

#include "core/base/file.h"
#include "launch/report/report.h"
#include "tests/temporary_directory.h"

namespace permafrost::launch {

using Json = nlohmann::json;

class RunFolder {
 public:
  RunFolder() {
    core::make_directories(directory_ / "run");
    core::make_directories(directory_ / "cache");
  }

  std::string path(const std::string& name) const { return directory_ / ("run/" + name); }
  std::string manifest() const { return directory_ / "manifest.jsonl"; }
  // With the cache and the manifest once they are written.
  ReportOptions options() const {
    const bool has_index = std::filesystem::exists(directory_ / "cache/index.json");
    return {.run_directory = directory_ / "run",
            .out_path = directory_ / "report.html",
            .cache_directory = has_index ? directory_ / "cache" : "",
            .manifest_path = std::filesystem::exists(manifest()) ? manifest() : ""};
  }

  void write(const std::string& name, const std::string& text) const { core::publish_text(path(name), text); }
  void write(const std::string& name, const Json& value) const { write(name, value.dump()); }
  void write_index(const Json& value) const { core::publish_text(directory_ / "cache/index.json", value.dump()); }
  void write_manifest(const std::string& text) const { core::publish_text(manifest(), text); }

 private:
  permafrost::testing::TemporaryDirectory directory_;
};

inline std::string lines(const std::vector<Json>& objects) {
  std::string text;
  for (const Json& object : objects) text += object.dump() + "\n";
  return text;
}

inline Json step_line(int64_t step, double loss) {
  return {{"step", step},
          {"steps", 400},
          {"epoch", static_cast<double>(step) / 10},
          {"loss", loss},
          {"top1", 0.5},
          {"learning_rate", 1e-3},
          {"data_ms", 5},
          {"compute_ms", 80},
          {"communication_ms", 10},
          {"checkpoint_ms", 5},
          {"gradient_norm", 1},
          {"samples_per_second", 123.4},
          {"memory_bytes", 1 << 30},
          {"time", "2026-01-01T00:00:00Z"}};
}

inline std::string class_name(size_t i) { return "class " + std::to_string(i); }

// `classes` classes, `right` videos of each on the diagonal and one of each taken for its neighbour.
inline Json evaluation(size_t classes, int64_t right, const std::string& frame_order) {
  Json confusion = Json::array();
  Json names = Json::array();
  for (size_t i = 0; i < classes; ++i) {
    std::vector<int64_t> row(classes, 0);
    row[i] += right;
    if (classes > 1) row[(i + 1) % classes] += 1;
    confusion.push_back(row);
    names.push_back(class_name(i));
  }
  int64_t of_each = right + (classes > 1 ? 1 : 0);
  return {{"split", "val"},
          {"frame_order", frame_order},
          {"top1", static_cast<double>(right) / static_cast<double>(of_each)},
          {"top5", 1.0},
          {"chance", 1.0 / static_cast<double>(classes)},
          {"videos", of_each * static_cast<int64_t>(classes)},
          {"failed", 0},
          {"views", 2},
          {"classes", names},
          {"confusion", confusion},
          {"mistakes", Json::array()}};
}

}  // namespace permafrost::launch
