#include "launch/report/report.h"

#include <iostream>

#include "core/base/error.h"
#include "launch/verbs/verbs.h"

namespace permafrost::launch {

int run_report(Invocation& invocation) {
  const PathSettings& path = invocation.settings.path;
  ReportOptions options;
  options.run_directory = invocation.need(path.run, "run");
  options.out_path = path.out.empty() ? path.run + "/report.html" : path.out;
  options.cache_directory = path.cache;
  options.manifest_path = path.manifest;
  write_report(options);
  std::cout << options.out_path << "\n";
  return core::kExitDone;
}

}  // namespace permafrost::launch
