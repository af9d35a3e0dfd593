#include "launch/report/report.h"

#include <iostream>

#include "core/base/error.h"
#include "launch/verbs/verbs.h"

namespace permafrost::launch {

int run_report(Invocation& invocation) {
  const PathSettings& path = invocation.settings.path;
  std::vector<std::string> runs = invocation.words;
  if (!path.run.empty()) runs.insert(runs.begin(), path.run);
  if (runs.empty()) invocation.need(path.run, "run");
  ReportOptions options;
  options.run_directory = runs.front();
  options.other_runs.assign(runs.begin() + 1, runs.end());
  options.out_path = path.out.empty() ? runs.front() + "/report.html" : path.out;
  options.cache_directory = path.cache;
  options.manifest_path = path.manifest;
  write_report(options);
  std::cout << options.out_path << "\n";
  return core::kExitDone;
}

}  // namespace permafrost::launch
