#include <algorithm>
#include <cmath>

#include "launch/report/charts.h"
#include "launch/report/markup.h"
#include "launch/report/sections.h"

namespace permafrost::launch {
namespace {

struct Interval {
  double low;
  double high;
};

// Wilson's 95 % interval of a fraction measured on `trials` videos.
Interval wilson(double fraction, int64_t trials) {
  constexpr double kZ = 1.959964;
  auto n = static_cast<double>(trials);
  double centre = (fraction + kZ * kZ / (2 * n)) / (1 + kZ * kZ / n);
  double reach = kZ / (1 + kZ * kZ / n) * std::sqrt(fraction * (1 - fraction) / n + kZ * kZ / (4 * n * n));
  return {std::max(0.0, centre - reach), std::min(1.0, centre + reach)};
}

std::string interval_text(const Evaluation& evaluation) {
  if (evaluation.videos == 0) return "no video";
  Interval interval = wilson(evaluation.top1, evaluation.videos);
  return "95 % interval " + fixed(100 * interval.low, 1) + " to " + percent(interval.high) + ", " +
         plural(evaluation.videos, "video", "videos");
}

std::string state_text(const std::string& state) {
  if (state == "done") return "Finished";
  if (state == "stopped") return "Stopped early";
  if (state == "running") return "Running";
  return state == "failed" ? "Failed" : "State unknown";
}

std::string joined(const std::vector<std::string>& parts) {
  std::string text;
  for (const std::string& part : parts) text += std::string(text.empty() ? "" : " \u00B7 ") + part;
  return text;
}

std::string progress_text(const RunSummary& run) {
  std::vector<std::string> parts;
  if (run.status) {
    parts.push_back("step " + grouped(run.status->step) + " of " + grouped(run.status->steps));
    if (std::isfinite(run.status->epoch)) parts.push_back("epoch " + significant(run.status->epoch, 4));
    if (run.status->ranks > 0) parts.push_back(plural(run.status->ranks, "rank", "ranks"));
  } else if (!run.steps.empty()) {
    parts.push_back("last step logged: " + grouped(run.steps.back().step));
  }
  if (!run.steps.empty() && !run.steps.back().time.empty()) {
    parts.push_back("logged " + escape(run.steps.front().time) + " to " + escape(run.steps.back().time));
  }
  return joined(parts);
}

std::string tile(const std::string& name, const std::string& value, const std::string& detail) {
  return "<div class=\"tile\"><dt>" + escape(name) + "</dt><dd>" + escape(value) + "<small>" + escape(detail) +
         "</small></dd></div>";
}

std::string points(double difference) {
  return std::string(difference > 0 ? "+" : "") + fixed(100 * difference, 1) + " points";
}

std::string tiles(const RunSummary& run) {
  std::string html;
  if (run.evaluation) {
    html += tile("DiST top-1", percent(run.evaluation->top1), interval_text(*run.evaluation));
    if (std::isfinite(run.evaluation->top5)) html += tile("DiST top-5", percent(run.evaluation->top5), "");
  }
  if (run.evaluation && run.probe) {
    html += tile("Over the probe", points(run.evaluation->top1 - run.probe->top1), "DiST less the linear probe");
  }
  if (run.evaluation && run.shuffled) {
    html += tile("Frames shuffled", points(run.shuffled->top1 - run.evaluation->top1), "against the natural order");
  }
  return html.empty() ? "" : "<dl class=\"tiles\">" + html + "</dl>\n";
}

std::string probe_detail(const ProbeSummary& probe) {
  std::string text = "on mean-pooled frozen features";
  if (probe.trials.size() > 1) text += ", best of " + grouped(static_cast<int64_t>(probe.trials.size()));
  return text;
}

std::vector<Bar> accuracy_bars(const RunSummary& run) {
  std::vector<Bar> bars;
  auto add = [&](const std::string& name, double value, const std::string& detail) -> Bar& {
    bars.push_back({.name = name, .value = value, .shown = percent(value), .detail = detail});
    return bars.back();
  };
  const std::optional<Evaluation>& told = run.evaluation ? run.evaluation : run.shuffled;
  if (told && std::isfinite(told->chance)) add("Chance", told->chance, "");
  if (run.probe) add("Linear probe", run.probe->top1, probe_detail(*run.probe));
  if (run.evaluation) add("DiST", run.evaluation->top1, interval_text(*run.evaluation)).is_main = true;
  if (run.shuffled) add("DiST, frames shuffled", run.shuffled->top1, interval_text(*run.shuffled)).is_light = true;
  return bars;
}

std::string evaluation_line(const Evaluation& evaluation) {
  std::vector<std::string> parts{plural(evaluation.videos, "video", "videos")};
  if (!evaluation.split.empty()) parts.push_back("split " + escape(evaluation.split));
  if (evaluation.views > 0) parts.push_back(plural(evaluation.views, "view", "views") + " each");
  if (!evaluation.classes.empty()) {
    parts.push_back(plural(static_cast<int64_t>(evaluation.classes.size()), "class", "classes"));
  }
  if (evaluation.failed > 0) parts.push_back(plural(evaluation.failed, "video", "videos") + " could not be read");
  if (evaluation.failed > 0 && std::isfinite(evaluation.top1_of_all)) {
    parts.push_back("top-1 " + percent(evaluation.top1_of_all) + " where those count as wrong");
  }
  return "<p class=\"quiet\">" + joined(parts) + "</p>\n";
}

std::string probe_trials(const ProbeSummary& probe) {
  if (probe.trials.empty()) return "";
  Table table("Linear probe by strength of its penalty", {"L2 penalty", "#top-1"});
  for (const ProbeTrial& trial : probe.trials) table.row({significant(trial.l2, 4), percent(trial.top1)});
  return "<details><summary>How the probe was fitted</summary>" + table.html() + "</details>\n";
}

}  // namespace

std::string section(const std::string& id, const std::string& title, const std::string& body) {
  return "<section id=\"" + id + "\"><h2>" + title + "</h2>\n" + body + "</section>\n";
}

std::string absent(const std::string& sentence) { return "<p class=\"absent\">" + escape(sentence) + "</p>\n"; }

std::string header_section(const RunSummary& run) {
  std::string state = run.status ? run.status->state : "unknown";
  return "<header><p class=\"brand\">Permafrost run</p><h1>" + escape(run.name) + "</h1><p><span class=\"state " +
         escape(state) + "\">" + state_text(state) + "</span> " + progress_text(run) + "</p>\n" + tiles(run) +
         "</header>\n";
}

std::string accuracy_section(const RunSummary& run) {
  std::vector<Bar> bars = accuracy_bars(run);
  if (bars.empty()) {
    return section("accuracy", "Accuracy", absent("Not evaluated: the run has no eval.json and no probe.json."));
  }
  std::string body = bar_list("Top-1 accuracy", bars);
  if (run.evaluation) body += evaluation_line(*run.evaluation);
  if (!run.evaluation) body += absent("DiST itself was not evaluated: there is no eval.json.");
  if (!run.probe) body += absent("No linear probe was fitted: there is no probe.json.");
  if (!run.shuffled) body += absent("Not evaluated on shuffled frames: there is no eval_shuffled.json.");
  if (run.probe) body += probe_trials(*run.probe);
  return section("accuracy", "Accuracy", body);
}

}  // namespace permafrost::launch
