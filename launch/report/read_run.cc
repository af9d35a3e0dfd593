#include <algorithm>
#include <filesystem>
#include <map>
#include <utility>

#include "core/base/error.h"
#include "core/base/file.h"
#include "launch/report/data_summary.h"
#include "launch/report/json_fields.h"
#include "launch/report/run_summary.h"

namespace permafrost::launch {
namespace {

namespace fs = std::filesystem;

// A link that dangles or a folder one may not enter is there all the same: reading it then says why it cannot be.
bool is_there(const std::string& path) {
  std::error_code error;
  return fs::symlink_status(path, error).type() != fs::file_type::not_found;
}

StepMetrics step_of(const Fields& line) {
  return StepMetrics{.step = line.count("step"),
                     .epoch = line.number_or("epoch", kNotLogged),
                     .loss = line.number("loss"),
                     .top1 = line.number_or("top1", kNotLogged),
                     .learning_rate = line.number_or("learning_rate", kNotLogged),
                     .samples_per_second = line.number_or("samples_per_second", kNotLogged),
                     .data_ms = line.number_or("data_ms", kNotLogged),
                     .compute_ms = line.number_or("compute_ms", kNotLogged),
                     .communication_ms = line.number_or("communication_ms", kNotLogged),
                     .checkpoint_ms = line.number_or("checkpoint_ms", kNotLogged),
                     .gradient_norm = line.number_or("gradient_norm", kNotLogged),
                     .memory_bytes = line.number_or("memory_bytes", kNotLogged),
                     .time = line.text_or("time", "")};
}

// A resumed run starts over behind its checkpoint: what was logged beyond it did not become part of the result.
void take_event(const RunEvent& event, std::map<int64_t, StepMetrics>& steps, RunSummary& run) {
  run.events.push_back(event);
  if (event.event != "resumed") return;
  auto lost = steps.upper_bound(event.step);
  run.repeated_steps += std::distance(lost, steps.end());
  steps.erase(lost, steps.end());
}

void read_metrics(const std::string& path, RunSummary& run) {
  std::map<int64_t, StepMetrics> steps;
  run.cut_lines = for_each_json_line(path, [&](const Fields& line) {
    if (line.has("event")) {
      take_event({line.text("event"), line.count("step"), line.text_or("checkpoint", "")}, steps, run);
      return;
    }
    StepMetrics step = step_of(line);
    bool is_new = steps.insert_or_assign(step.step, step).second;
    if (!is_new) ++run.repeated_steps;
  });
  for (auto& [_, step] : steps) run.steps.push_back(std::move(step));
}

RunStatus status_of(const Fields& file) {
  RunStatus status{.state = file.text("state"),
                   .step = file.count("step"),
                   .steps = file.count("steps"),
                   .epoch = file.number_or("epoch", kNotLogged),
                   .ranks = file.count_or("ranks", 0),
                   .resumes = file.count_or("resumes", 0)};
  const std::vector<std::string> states{"running", "done", "stopped", "failed"};
  if (std::find(states.begin(), states.end(), status.state) == states.end()) {
    file.complain("state", "running, done, stopped or failed", "'" + status.state + "'");
  }
  return status;
}

std::vector<ConfigEntry> read_config_entries(const std::string& path) {
  nlohmann::json list = parse_json(core::read_text(path), path);
  if (!list.is_array()) {
    throw core::DataError(path + ": expected an array of options, found " + list.type_name() +
                          "; restore the file, or remove it and the report goes without");
  }
  std::vector<ConfigEntry> entries;
  for (const nlohmann::json& item : list) {
    Fields fields(item, path + ": [" + std::to_string(entries.size()) + "]");
    entries.push_back({fields.text("name"), fields.text("value"), fields.text("origin")});
  }
  return entries;
}

std::vector<EnvironmentEntry> environment_of(const Fields& file) {
  std::vector<EnvironmentEntry> entries;
  for (const auto& [name, value] : file.json().items()) {
    entries.push_back({name, value.is_string() ? value.get<std::string>() : value.dump()});
  }
  return entries;
}

std::vector<std::vector<int64_t>> confusion_of(const Fields& file, size_t classes) {
  std::vector<std::vector<int64_t>> confusion;
  if (!file.has("confusion")) return confusion;
  const nlohmann::json& rows = file.array("confusion");
  if (rows.empty()) return confusion;
  std::string expected = std::to_string(classes) + " rows of " + std::to_string(classes) + " counts";
  if (rows.size() != classes) file.complain("confusion", expected, std::to_string(rows.size()) + " rows");
  for (const nlohmann::json& row : rows) {
    std::vector<int64_t>& counts = confusion.emplace_back();
    for (const nlohmann::json& cell : row) {
      bool is_count = cell.is_number_unsigned() && cell.get<uint64_t>() <= uint64_t{1} << 40;
      if (!is_count) file.complain("confusion", expected, cell.dump() + " in row " + std::to_string(confusion.size()));
      counts.push_back(cell.get<int64_t>());
    }
    if (counts.size() != classes) {
      file.complain("confusion", expected,
                    std::to_string(counts.size()) + " counts in row " + std::to_string(confusion.size()));
    }
  }
  return confusion;
}

Evaluation evaluation_of(const Fields& file, const std::string& frame_order) {
  std::string found = file.text_or("frame_order", frame_order);
  if (found != frame_order) file.complain("frame_order", frame_order, "'" + found + "'");
  Evaluation evaluation{.split = file.text_or("split", ""),
                        .top1 = file.fraction("top1"),
                        .top1_of_all = file.fraction_or("top1_of_all", kNotLogged),
                        .top5 = file.fraction_or("top5", kNotLogged),
                        .chance = file.fraction_or("chance", kNotLogged),
                        .videos = file.count("videos"),
                        .failed = file.count_or("failed", 0),
                        .views = file.count_or("views", 0),
                        .classes = {},
                        .confusion = {},
                        .mistakes = {}};
  if (file.has("classes")) evaluation.classes = file.texts("classes");
  evaluation.confusion = confusion_of(file, evaluation.classes.size());
  if (!file.has("mistakes")) return evaluation;
  for (const Fields& mistake : file.objects("mistakes")) {
    evaluation.mistakes.push_back({mistake.text("video_id"), mistake.text("label"), mistake.text("predicted"),
                                   mistake.number_or("score", kNotLogged)});
  }
  return evaluation;
}

ProbeSummary probe_of(const Fields& file) {
  ProbeSummary probe{.top1 = file.fraction("top1"), .trials = {}};
  if (!file.has("regularisations")) return probe;
  for (const Fields& trial : file.objects("regularisations")) {
    probe.trials.push_back({trial.number("l2"), trial.fraction("top1")});
  }
  return probe;
}

// "quickstart/train" for "runs/quickstart/train/": the last component alone is often just "train".
std::string name_of(const std::string& directory) {
  fs::path path = fs::path(directory).lexically_normal();
  if (!path.has_filename()) path = path.parent_path();
  std::string name = path.filename().string();
  std::string parent = path.parent_path().filename().string();
  if (name.empty() || name == "." || name == "..") return directory;
  return parent.empty() || parent == ".." ? name : parent + "/" + name;
}

bool read_run_files(const std::string& directory, RunSummary& run) {
  bool is_run = false;
  auto path_of = [&](const char* name) { return (fs::path(directory) / name).string(); };
  auto with = [&](const char* name, auto read) {
    if (!is_there(path_of(name))) return;
    read(path_of(name));
    is_run = true;
  };
  with("metrics.jsonl", [&](const std::string& path) { read_metrics(path, run); });
  with("status.json", [&](const std::string& path) { run.status = status_of(Fields::of_file(path)); });
  with("config.json", [&](const std::string& path) { run.config = read_config_entries(path); });
  with("environment.json", [&](const std::string& path) { run.environment = environment_of(Fields::of_file(path)); });
  with("eval.json", [&](const std::string& path) { run.evaluation = evaluation_of(Fields::of_file(path), "natural"); });
  with("eval_shuffled.json",
       [&](const std::string& path) { run.shuffled = evaluation_of(Fields::of_file(path), "shuffled"); });
  with("probe.json", [&](const std::string& path) { run.probe = probe_of(Fields::of_file(path)); });
  return is_run;
}

}  // namespace

RunSummary read_run(const ReportOptions& options) {
  RunSummary run;
  run.name = name_of(options.run_directory);
  if (!read_run_files(options.run_directory, run)) {
    throw core::DataError(options.run_directory +
                          ": expected a run directory with metrics.jsonl, status.json or eval.json, found none of " +
                          "them; pass the directory that `permafrost train --run` wrote");
  }
  if (!options.cache_directory.empty()) {
    run.cache = read_cache_summary((fs::path(options.cache_directory) / "index.json").string());
  }
  if (!options.manifest_path.empty()) run.manifest = read_manifest_summary(options.manifest_path);
  return run;
}

}  // namespace permafrost::launch
