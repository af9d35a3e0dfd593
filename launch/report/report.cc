#include "launch/report/report.h"

#include "core/base/file.h"
#include "launch/report/page.h"
#include "launch/report/sections.h"

namespace permafrost::launch {

std::string render_report(const RunSummary& run) {
  std::string body = header_section(run) + "<main>\n" + accuracy_section(run) + training_section(run) +
                     throughput_section(run) + classes_section(run) + confusion_section(run) + mistakes_section(run) +
                     data_section(run) + faults_section(run) + config_section(run) + environment_section(run) +
                     "</main>\n";
  return page("Permafrost run " + run.name, body);
}

void write_report(const ReportOptions& options) {
  core::publish_text(options.out_path, render_report(read_run(options)));
}

}  // namespace permafrost::launch
