#include "launch/report/report.h"

#include "core/base/file.h"
#include "launch/report/page.h"
#include "launch/report/sections.h"

namespace permafrost::launch {

std::string render_report(const RunSummary& run, const std::vector<RunSummary>& others) {
  std::string body = header_section(run) + "<main>\n" + accuracy_section(run) + comparison_section(run, others) +
                     training_section(run) + throughput_section(run) + classes_section(run) + confusion_section(run) +
                     mistakes_section(run) + data_section(run) + faults_section(run) + config_section(run) +
                     environment_section(run) + "</main>\n";
  return page("Permafrost run " + run.name, body);
}

void write_report(const ReportOptions& options) {
  std::vector<RunSummary> others;
  for (const std::string& other : options.other_runs) others.push_back(read_run({.run_directory = other}));
  core::publish_text(options.out_path, render_report(read_run(options), others));
}

}  // namespace permafrost::launch
