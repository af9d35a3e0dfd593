#include <algorithm>
#include <array>
#include <map>
#include <string_view>

#include "launch/report/charts.h"
#include "launch/report/markup.h"
#include "launch/report/sections.h"
#include "launch/timing.h"

namespace permafrost::launch {
namespace {

using Runs = std::vector<const RunSummary*>;

double last_loss(const RunSummary& run) { return run.steps.empty() ? kNotLogged : run.steps.back().loss; }

double clips_per_second(const RunSummary& run) {
  std::vector<double> rates;
  for (const StepMetrics& step : run.steps) {
    if (std::isfinite(step.samples_per_second)) rates.push_back(step.samples_per_second);
  }
  return median(rates);
}

std::string top1_bars(const Runs& runs) {
  std::vector<Bar> bars;
  for (const RunSummary* run : runs) {
    if (!run->evaluation) continue;
    const Evaluation& evaluation = *run->evaluation;
    bars.push_back({.name = run->name,
                    .value = evaluation.top1,
                    .shown = percent(evaluation.top1),
                    .detail = plural(evaluation.videos, "video", "videos") + " of " + evaluation.split,
                    .is_main = run == runs.front()});
  }
  return bars.size() < 2 ? "" : bar_list("Top-1 accuracy", bars);
}

std::string results_table(const Runs& runs) {
  Table table("Results", {"Run", "State", "#Steps", "#Top-1", "#Top-5", "#Shuffled frames", "#Linear probe",
                          "#Loss of the last line", "#Clips a second"});
  for (const RunSummary* run : runs) {
    const auto of = [](const std::optional<Evaluation>& evaluation, double Evaluation::*value) {
      return percent(evaluation ? (*evaluation).*value : kNotLogged);
    };
    table.row({escape(run->name), escape(run->status ? run->status->state : ""),
               run->status ? grouped(run->status->step) + " of " + grouped(run->status->steps) : "",
               of(run->evaluation, &Evaluation::top1), of(run->evaluation, &Evaluation::top5),
               of(run->shuffled, &Evaluation::top1), percent(run->probe ? run->probe->top1 : kNotLogged),
               fixed(last_loss(*run), 4), fixed(clips_per_second(*run), 1)});
  }
  return table.html();
}

// What a result may depend on: options of sections, and what was trained on.
bool is_of_interest(const std::string& option) {
  constexpr std::array<std::string_view, 5> kInputs{"cache", "manifest", "encoder", "text", "init-from"};
  return option.find('.') != std::string::npos || std::find(kInputs.begin(), kInputs.end(), option) != kInputs.end();
}

using Values = std::vector<const std::string*>;  // of one option in each run; null where a run does not tell

bool differ(const Values& values) {
  const std::string* first = nullptr;
  for (const std::string* value : values) {
    if (value == nullptr) continue;
    if (first != nullptr && *value != *first) return true;
    first = value;
  }
  return false;
}

std::string differing_settings(const Runs& runs) {
  std::map<std::string, Values> options;
  std::vector<std::string> columns{"Option"};
  for (size_t i = 0; i < runs.size(); ++i) {
    columns.push_back(runs[i]->name);
    for (const ConfigEntry& entry : runs[i]->config) {
      if (!is_of_interest(entry.name)) continue;
      Values& values = options[entry.name];
      values.resize(runs.size());
      values[i] = &entry.value;
    }
  }
  std::erase_if(options, [](const auto& option) { return !differ(option.second); });
  if (options.empty()) return absent("No setting differs.");
  Table table("Settings that differ", columns);
  for (const auto& [option, values] : options) {
    std::vector<std::string> cells{escape(option)};
    for (const std::string* value : values) cells.push_back(value == nullptr ? "\u2013" : escape(*value));
    table.row(cells);
  }
  return table.html();
}

}  // namespace

std::string comparison_section(const RunSummary& run, const std::vector<RunSummary>& others) {
  if (others.empty()) return "";
  Runs runs{&run};
  for (const RunSummary& other : others) runs.push_back(&other);
  return section("comparison", "Beside other runs", top1_bars(runs) + results_table(runs) + differing_settings(runs));
}

}  // namespace permafrost::launch
