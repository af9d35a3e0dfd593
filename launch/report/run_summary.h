// What a run directory says about itself, as plain values: the input of the report.
//
//   RunSummary run = read_run({.run_directory = "runs/a", .cache_directory = "runs/cache"});
//   for (const StepMetrics& step : run.steps) plot(step.step, step.loss);
//   if (run.evaluation) std::cout << run.evaluation->top1;
//
// Reads metrics.jsonl, status.json, config.json, environment.json, eval.json, eval_shuffled.json and probe.json of the
// run, `index.json` of the cache and the manifest. A file that is not there leaves its field empty; one that is there
// and cannot be understood is a DataError naming file and line. Accuracies are fractions in [0, 1]. A quantity that
// was not logged, or was logged as null because it was not finite, is NaN.
#pragma once

#include <cmath>
#include <cstdint>
#include <limits>
#include <optional>
#include <string>
#include <vector>

namespace permafrost::launch {

inline constexpr double kNotLogged = std::numeric_limits<double>::quiet_NaN();

struct ReportOptions {
  std::string run_directory;
  std::string out_path;
  std::string cache_directory;               // may be empty: no cache summary
  std::string manifest_path;                 // may be empty: no data summary
  std::vector<std::string> other_runs = {};  // that it is compared with
};

struct StepMetrics {
  int64_t step = 0;
  double epoch = kNotLogged;
  double loss = kNotLogged;
  double top1 = kNotLogged;
  double learning_rate = kNotLogged;
  double samples_per_second = kNotLogged;
  double data_ms = kNotLogged;  // each of the four: milliseconds of one step
  double compute_ms = kNotLogged;
  double communication_ms = kNotLogged;
  double checkpoint_ms = kNotLogged;
  double gradient_norm = kNotLogged;
  double memory_bytes = kNotLogged;
  std::string time;  // ISO 8601, as logged
};

struct RunEvent {
  std::string event;  // "resumed", "stopped", or what a later version may log
  int64_t step = 0;
  std::string checkpoint;
};

struct RunStatus {
  std::string state;  // "running", "done", "stopped", "failed"
  int64_t step = 0;
  int64_t steps = 0;
  double epoch = kNotLogged;
  int64_t ranks = 0;  // 0: not told
  int64_t resumes = 0;
};

struct ConfigEntry {
  std::string name;
  std::string value;
  std::string origin;  // "default", "command line", or the config file
};

// One key of environment.json; a value that is no string is shown as JSON.
struct EnvironmentEntry {
  std::string name;
  std::string value;
};

struct Mistake {
  std::string video_id;
  std::string label;
  std::string predicted;
  double score = kNotLogged;
};

struct Evaluation {
  std::string split;
  double top1 = 0;                  // of the videos that could be read
  double top1_of_all = kNotLogged;  // the others counted as wrong
  double top5 = kNotLogged;
  double chance = kNotLogged;
  int64_t videos = 0;
  int64_t failed = 0;
  int64_t views = 0;  // 0: not told
  std::vector<std::string> classes;
  std::vector<std::vector<int64_t>> confusion;  // [classes][classes], rows are the truth; may be empty
  std::vector<Mistake> mistakes;
};

struct ProbeTrial {
  double l2 = 0;
  double top1 = 0;
};

struct ProbeSummary {
  double top1 = 0;
  std::vector<ProbeTrial> trials;
};

struct NamedCount {
  std::string name;
  int64_t count = 0;
};

struct ManifestSummary {
  int64_t videos = 0;
  int64_t labels = 0;
  double seconds = 0;                  // of the accepted videos, as far as told
  std::vector<NamedCount> splits;      // accepted videos, in the order of first appearance
  std::vector<NamedCount> rejections;  // by reason, most frequent first
};

struct CacheSummary {
  int64_t shards = 0;
  int64_t records = 0;
  int64_t bytes = 0;
  int64_t failed_videos = 0;
  std::string codec;  // "" where the index does not tell
};

struct RunSummary {
  std::string name;                // the last two components of the run directory
  std::vector<StepMetrics> steps;  // ascending, each step once: the last line that names it wins,
                                   // and a resume drops what was logged beyond its checkpoint
  std::vector<RunEvent> events;    // in the order of the log
  int64_t repeated_steps = 0;      // logged steps that a resume threw back, or that were logged twice
  int64_t cut_lines = 0;           // log lines that break off, as a killed run leaves them
  std::optional<RunStatus> status;
  std::vector<ConfigEntry> config;
  std::vector<EnvironmentEntry> environment;
  std::optional<Evaluation> evaluation;
  std::optional<Evaluation> shuffled;
  std::optional<ProbeSummary> probe;
  std::optional<ManifestSummary> manifest;
  std::optional<CacheSummary> cache;
};

// Throws IoError where the directory or a file cannot be read, DataError where a file is not what it has to be or the
// directory holds no run at all.
RunSummary read_run(const ReportOptions& options);

}  // namespace permafrost::launch
