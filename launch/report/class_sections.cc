#include <algorithm>
#include <cmath>
#include <numeric>

#include "launch/report/charts.h"
#include "launch/report/markup.h"
#include "launch/report/sections.h"

namespace permafrost::launch {
namespace {

constexpr size_t kBarsAtMost = 40;  // classes; beyond, the weakest only
constexpr size_t kWeakestShown = 20;
constexpr size_t kHeatMapAtMost = 30;  // classes whose names stay readable
constexpr size_t kPairsAtMost = 12;
constexpr size_t kMistakesAtMost = 25;

using Matrix = std::vector<std::vector<int64_t>>;

int64_t row_total(const Matrix& confusion, size_t row) {
  return std::accumulate(confusion[row].begin(), confusion[row].end(), int64_t{0});
}

struct ClassAccuracy {
  std::string name;
  int64_t right;
  int64_t videos;

  double accuracy() const {
    return videos == 0 ? kNotLogged : static_cast<double>(right) / static_cast<double>(videos);
  }
};

// Weakest first; classes without a video are left out.
std::vector<ClassAccuracy> accuracies_of(const Evaluation& evaluation) {
  std::vector<ClassAccuracy> result;
  for (size_t i = 0; i < evaluation.confusion.size(); ++i) {
    ClassAccuracy one{evaluation.classes[i], evaluation.confusion[i][i], row_total(evaluation.confusion, i)};
    if (one.videos > 0) result.push_back(one);
  }
  std::stable_sort(result.begin(), result.end(),
                   [](const ClassAccuracy& a, const ClassAccuracy& b) { return a.accuracy() < b.accuracy(); });
  return result;
}

std::string class_bars(const std::vector<ClassAccuracy>& accuracies, size_t shown, const std::string& caption) {
  std::vector<Bar> bars;
  for (size_t i = 0; i < shown; ++i) {
    const ClassAccuracy& one = accuracies[i];
    bars.push_back({.name = one.name,
                    .value = one.accuracy(),
                    .shown = percent(one.accuracy()),
                    .detail = grouped(one.right) + " of " + grouped(one.videos)});
  }
  return bar_list(caption, bars);
}

std::string class_table(const std::vector<ClassAccuracy>& accuracies) {
  Table table("Every class with a video, weakest first", {"class", "#right", "#videos", "#accuracy"});
  for (const ClassAccuracy& one : accuracies) {
    table.row({escape(one.name), grouped(one.right), grouped(one.videos), percent(one.accuracy())});
  }
  return "<details><summary>All " + plural(static_cast<int64_t>(accuracies.size()), "class", "classes") + "</summary>" +
         table.html() + "</details>\n";
}

// The classes with most mistakes in their row and column, in their own order.
std::vector<size_t> most_confused_classes(const Matrix& confusion) {
  std::vector<int64_t> mistakes(confusion.size(), 0);
  for (size_t row = 0; row < confusion.size(); ++row) {
    for (size_t column = 0; column < confusion.size(); ++column) {
      if (row == column) continue;
      mistakes[row] += confusion[row][column];
      mistakes[column] += confusion[row][column];
    }
  }
  std::vector<size_t> chosen(confusion.size());
  std::iota(chosen.begin(), chosen.end(), size_t{0});
  if (chosen.size() <= kHeatMapAtMost) return chosen;
  std::stable_sort(chosen.begin(), chosen.end(), [&](size_t a, size_t b) { return mistakes[a] > mistakes[b]; });
  chosen.resize(kHeatMapAtMost);
  std::sort(chosen.begin(), chosen.end());
  return chosen;
}

std::string heat_map_of(const Evaluation& evaluation, const std::vector<size_t>& chosen) {
  std::vector<std::string> names;
  Matrix counts;
  std::vector<int64_t> totals;
  for (size_t row : chosen) {
    names.push_back(evaluation.classes[row]);
    totals.push_back(row_total(evaluation.confusion, row));
    std::vector<int64_t>& part = counts.emplace_back();
    for (size_t column : chosen) part.push_back(evaluation.confusion[row][column]);
  }
  return heat_map(names, counts, totals);
}

struct Pair {
  size_t truth;
  size_t predicted;
  int64_t count;
};

std::vector<Pair> most_confused_pairs(const Matrix& confusion) {
  std::vector<Pair> pairs;
  for (size_t row = 0; row < confusion.size(); ++row) {
    for (size_t column = 0; column < confusion.size(); ++column) {
      if (row != column && confusion[row][column] > 0) pairs.push_back({row, column, confusion[row][column]});
    }
  }
  std::stable_sort(pairs.begin(), pairs.end(), [](const Pair& a, const Pair& b) { return a.count > b.count; });
  if (pairs.size() > kPairsAtMost) pairs.resize(kPairsAtMost);
  return pairs;
}

std::string pair_table(const Evaluation& evaluation) {
  std::vector<Pair> pairs = most_confused_pairs(evaluation.confusion);
  if (pairs.empty()) return "<p>No class was taken for another.</p>\n";
  Table table("Most confused classes", {"truth", "taken for", "#videos", "#of the class"});
  for (const Pair& pair : pairs) {
    double share = static_cast<double>(pair.count) / static_cast<double>(row_total(evaluation.confusion, pair.truth));
    table.row({escape(evaluation.classes[pair.truth]), escape(evaluation.classes[pair.predicted]), grouped(pair.count),
               percent(share)});
  }
  return table.html();
}

// The surest first: they tell most, about the model or about the label.
std::vector<Mistake> surest_mistakes(std::vector<Mistake> mistakes) {
  auto rank = [](const Mistake& mistake) { return std::isfinite(mistake.score) ? mistake.score : -1e300; };
  std::stable_sort(mistakes.begin(), mistakes.end(),
                   [&](const Mistake& a, const Mistake& b) { return rank(a) > rank(b); });
  if (mistakes.size() > kMistakesAtMost) mistakes.resize(kMistakesAtMost);
  return mistakes;
}

}  // namespace

std::string classes_section(const RunSummary& run) {
  if (!run.evaluation || run.evaluation->confusion.empty()) {
    return section("classes", "Classes", absent("Not evaluated by class: eval.json is missing or has no confusion."));
  }
  std::vector<ClassAccuracy> accuracies = accuracies_of(*run.evaluation);
  bool is_short = accuracies.size() <= kBarsAtMost;
  std::string body =
      class_bars(accuracies, is_short ? accuracies.size() : kWeakestShown,
                 is_short ? "Accuracy by class, weakest first" : "The weakest " + grouped(kWeakestShown) + " classes");
  if (!is_short) body += class_table(accuracies);
  auto without = static_cast<int64_t>(run.evaluation->classes.size() - accuracies.size());
  if (without > 0) body += "<p class=\"quiet\">" + plural(without, "class has", "classes have") + " no video.</p>\n";
  return section("classes", "Classes", body);
}

std::string confusion_section(const RunSummary& run) {
  if (!run.evaluation || run.evaluation->confusion.empty()) return "";
  std::vector<size_t> chosen = most_confused_classes(run.evaluation->confusion);
  std::string note;
  if (chosen.size() < run.evaluation->classes.size()) {
    note = "<p class=\"quiet\">Shown are the " + grouped(static_cast<int64_t>(chosen.size())) + " of " +
           grouped(static_cast<int64_t>(run.evaluation->classes.size())) + " classes with most mistakes.</p>\n";
  }
  return section("confusion", "What is taken for what",
                 note + heat_map_of(*run.evaluation, chosen) + pair_table(*run.evaluation));
}

std::string mistakes_section(const RunSummary& run) {
  if (!run.evaluation) return "";
  if (run.evaluation->mistakes.empty()) {
    return section("mistakes", "Clips to look at", "<p>The evaluation lists no misclassified clip.</p>\n");
  }
  Table table("Misclassified clips, the surest first", {"clip", "truth", "taken for", "#score"});
  std::vector<Mistake> shown = surest_mistakes(run.evaluation->mistakes);
  for (const Mistake& mistake : shown) {
    table.row({escape(mistake.video_id), escape(mistake.label), escape(mistake.predicted), fixed(mistake.score, 3)});
  }
  std::string note = "<p class=\"quiet\">" + grouped(static_cast<int64_t>(shown.size())) + " of " +
                     plural(static_cast<int64_t>(run.evaluation->mistakes.size()), "listed clip", "listed clips") +
                     ".</p>\n";
  return section("mistakes", "Clips to look at", table.html() + note);
}

}  // namespace permafrost::launch
