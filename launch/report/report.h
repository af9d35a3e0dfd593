// The report of a run: one HTML page that needs nothing but itself, to be mailed to a colleague.
//
//   ReportOptions options{.run_directory = "runs/a", .out_path = "runs/a/report.html", .cache_directory =
//   "runs/cache"}; write_report(options);                                  // or: std::string html =
//   render_report(read_run(options));
//
// The page loads nothing and its security policy forbids it to; charts are inline SVG, the one script only shows the
// values under the pointer. The same run gives the same bytes: no clock is read. Errors are those of read_run().
#pragma once

#include <string>

#include "launch/report/run_summary.h"

namespace permafrost::launch {

// `others`: runs that it is compared with.
std::string render_report(const RunSummary& run, const std::vector<RunSummary>& others = {});

// Publishes the page whole at `options.out_path`. Throws IoError, DataError.
void write_report(const ReportOptions& options);

}  // namespace permafrost::launch
