#include <algorithm>
#include <cmath>

#include "launch/report/charts.h"
#include "launch/report/markup.h"
#include "launch/report/sections.h"
#include "launch/timing.h"

namespace permafrost::launch {
namespace {

using Quantity = double StepMetrics::*;

std::vector<double> finite_values(const RunSummary& run, Quantity quantity) {
  std::vector<double> values;
  for (const StepMetrics& step : run.steps) {
    if (std::isfinite(step.*quantity)) values.push_back(step.*quantity);
  }
  return values;
}

double mean(const std::vector<double>& values) {
  double sum = 0;
  for (double value : values) sum += value;
  return values.empty() ? kNotLogged : sum / static_cast<double>(values.size());
}

std::vector<Mark> event_marks(const RunSummary& run) {
  std::vector<Mark> marks;
  for (const RunEvent& event : run.events) {
    marks.push_back({static_cast<double>(event.step), event.event + " at step " + grouped(event.step)});
  }
  return marks;
}

LineChart chart_of(const RunSummary& run, const std::string& title, const std::string& note, Quantity quantity) {
  LineChart chart{.title = title, .note = note, .x = {}, .y = {}, .marks = event_marks(run)};
  for (const StepMetrics& step : run.steps) {
    chart.x.push_back(static_cast<double>(step.step));
    chart.y.push_back(step.*quantity);
  }
  return chart;
}

std::string non_finite_note(const RunSummary& run) {
  auto count = std::count_if(run.steps.begin(), run.steps.end(),
                             [](const StepMetrics& step) { return !std::isfinite(step.loss); });
  if (count == 0) return "";
  return "<p class=\"warning\">The loss was not finite at " + plural(count, "logged step", "logged steps") + ".</p>\n";
}

std::string loss_chart(const RunSummary& run) {
  bool is_long = run.steps.size() >= 60;
  return line_chart(chart_of(run, "Loss", is_long ? "training batches; the strong line is a moving average" : "",
                             &StepMetrics::loss));
}

std::string top1_chart(const RunSummary& run) {
  LineChart chart = chart_of(run, "Top-1", "training batches", &StepMetrics::top1);
  chart.is_percent = true;
  return line_chart(chart);
}

std::string rate_chart(const RunSummary& run) {
  LineChart chart = chart_of(run, "Learning rate", "", &StepMetrics::learning_rate);
  chart.is_smoothed = false;
  return line_chart(chart);
}

std::string throughput_text(const RunSummary& run) {
  double rate = median(finite_values(run, &StepMetrics::samples_per_second));
  std::vector<double> memory = finite_values(run, &StepMetrics::memory_bytes);
  std::string text;
  if (std::isfinite(rate)) text += "Median " + significant(rate, 4) + " samples per second. ";
  if (!memory.empty()) text += "Peak memory " + human_bytes(*std::max_element(memory.begin(), memory.end())) + ".";
  return text.empty() ? "" : "<p>" + text + "</p>\n";
}

Share share_of(const RunSummary& run, const std::string& name, Quantity quantity) {
  double milliseconds = mean(finite_values(run, quantity));
  return {name, milliseconds, human_ms(milliseconds)};
}

std::string counted(int64_t count, const std::string& one, const std::string& many) {
  return "<li>" + plural(count, one, many) + "</li>\n";
}

std::string fault_list(const RunSummary& run) {
  std::string html;
  if (run.status) html += counted(run.status->resumes, "resume from a checkpoint", "resumes from a checkpoint");
  if (run.repeated_steps > 0) {
    html += counted(run.repeated_steps, "logged step done again after a resume; it counts once above",
                    "logged steps done again after a resume; each counts once above");
  }
  if (run.manifest) {
    int64_t rejected = 0;
    for (const NamedCount& reason : run.manifest->rejections) rejected += reason.count;
    html += counted(rejected, "video rejected by the manifest", "videos rejected by the manifest");
  }
  if (run.cache)
    html += counted(run.cache->failed_videos, "video left out of the cache", "videos left out of the cache");
  if (run.evaluation) {
    html += counted(run.evaluation->failed, "video that the evaluation could not read",
                    "videos that the evaluation could not read");
  }
  if (run.cut_lines > 0) {
    html += counted(run.cut_lines, "log line cut short, as by a kill; it is left out above",
                    "log lines cut short, as by a kill; they are left out above");
  }
  return html.empty() ? "" : "<ul>" + html + "</ul>\n";
}

std::string event_table(const RunSummary& run) {
  if (run.events.empty()) return "";
  Table table("Events", {"event", "#step", "checkpoint"});
  for (const RunEvent& event : run.events) {
    table.row({escape(event.event), grouped(event.step), escape(event.checkpoint)});
  }
  return table.html();
}

}  // namespace

std::string training_section(const RunSummary& run) {
  if (run.steps.empty()) {
    return section("training", "Training", absent("No step was logged: metrics.jsonl is missing or empty."));
  }
  std::string marks = run.events.empty() ? "" : "<p class=\"quiet\">Dashed lines: the run stopped or resumed.</p>\n";
  return section("training", "Training",
                 non_finite_note(run) + "<div class=\"charts\">" + loss_chart(run) + top1_chart(run) + rate_chart(run) +
                     "</div>\n" + marks);
}

std::string throughput_section(const RunSummary& run) {
  std::vector<Share> logged;
  std::string missing;
  for (const Share& share :
       {share_of(run, "waiting for data", &StepMetrics::data_ms), share_of(run, "compute", &StepMetrics::compute_ms),
        share_of(run, "communication", &StepMetrics::communication_ms),
        share_of(run, "checkpoint", &StepMetrics::checkpoint_ms)}) {
    if (std::isfinite(share.value)) {
      logged.push_back(share);
    } else {
      missing += std::string(missing.empty() ? "" : ", ") + share.name;
    }
  }
  std::string body = throughput_text(run);
  if (!logged.empty()) body += share_bar("Mean time of a step", logged);
  if (!logged.empty() && !missing.empty()) body += absent("Not logged by itself: " + missing + ".");
  if (!finite_values(run, &StepMetrics::samples_per_second).empty()) {
    body += line_chart(chart_of(run, "Samples per second", "", &StepMetrics::samples_per_second));
  }
  if (body.empty()) body = absent("No times were logged.");
  return section("throughput", "Where the time went", body);
}

std::string faults_section(const RunSummary& run) {
  std::string body = fault_list(run) + event_table(run);
  if (body.empty()) body = absent("Nothing is known: there is no status.json and no event in the log.");
  return section("faults", "Faults survived", body);
}

}  // namespace permafrost::launch
