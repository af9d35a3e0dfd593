// The parts of the page, top to bottom: each takes what was read and returns HTML, a sentence where nothing was.
//
//   std::string body = header_section(run) + accuracy_section(run) + training_section(run) + ...;
#pragma once

#include <string>

#include "launch/report/run_summary.h"

namespace permafrost::launch {

std::string header_section(const RunSummary& run);
std::string accuracy_section(const RunSummary& run);
// The run among others: results, and the settings in which they differ. "" without others.
std::string comparison_section(const RunSummary& run, const std::vector<RunSummary>& others);
std::string training_section(const RunSummary& run);
std::string throughput_section(const RunSummary& run);
std::string classes_section(const RunSummary& run);
std::string confusion_section(const RunSummary& run);
std::string mistakes_section(const RunSummary& run);
std::string data_section(const RunSummary& run);
std::string faults_section(const RunSummary& run);
std::string config_section(const RunSummary& run);
std::string environment_section(const RunSummary& run);

// "<section id=...><h2>TITLE</h2>BODY</section>".
std::string section(const std::string& id, const std::string& title, const std::string& body);
// A paragraph that says why there is nothing to show.
std::string absent(const std::string& sentence);

}  // namespace permafrost::launch
