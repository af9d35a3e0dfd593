#include <algorithm>
#include <cmath>

#include "launch/report/charts.h"
#include "launch/report/markup.h"

namespace permafrost::launch {
namespace {

constexpr size_t kLongestName = 26;      // characters shown; the title tells the rest
constexpr double kCharacterWidth = 6.6;  // pixels of a 12 pixel font, generously
constexpr double kSlope = 0.7071;        // column names lean by 45 degrees

struct Layout {
  double cell;   // pixels
  double names;  // width of the row names
  double head;   // height of the column names
  double width;
  double height;
};

Layout layout_for(const std::vector<std::string>& classes) {
  size_t longest = 1;
  for (const std::string& name : classes) longest = std::max(longest, character_count(shorten(name, kLongestName)));
  double text = kCharacterWidth * static_cast<double>(longest);
  auto count = static_cast<double>(classes.size());
  Layout layout{};
  layout.cell = classes.size() <= 8 ? 44 : classes.size() <= 14 ? 34 : classes.size() <= 20 ? 28 : 22;
  layout.names = text + 12;
  layout.head = text * kSlope + 16;
  layout.width = layout.names + count * layout.cell + std::max(12.0, text * kSlope - layout.cell / 2 + 12);
  layout.height = layout.head + count * layout.cell + 4;
  return layout;
}

std::string pixels(double value) { return attribute_number(std::round(10 * value) / 10); }

std::string text_at(double x, double y, const std::string& attributes, const std::string& name) {
  return "<text x=\"" + pixels(x) + "\" y=\"" + pixels(y) + "\" " + attributes + "><title>" + escape(name) +
         "</title>" + escape(shorten(name, kLongestName)) + "</text>";
}

std::string names(const Layout& layout, const std::vector<std::string>& classes) {
  std::string svg;
  for (size_t i = 0; i < classes.size(); ++i) {
    double middle = layout.cell * (static_cast<double>(i) + 0.5);
    svg += text_at(layout.names - 8, layout.head + middle + 4, "text-anchor=\"end\"", classes[i]);
    double x = layout.names + middle + 3;
    double y = layout.head - 6;
    std::string turn = "transform=\"rotate(-45 " + pixels(x) + " " + pixels(y) + ")\"";
    svg += text_at(x, y, turn, classes[i]);
  }
  return svg;
}

// Shares below a hundredth stay visible: a single mistake is news.
double opacity(double share) { return 0.12 + 0.88 * std::sqrt(std::clamp(share, 0.0, 1.0)); }

std::string cell_at(const Layout& layout, const std::vector<std::string>& classes, size_t row, size_t column,
                    int64_t count, double share) {
  double x = layout.names + layout.cell * static_cast<double>(column);
  double y = layout.head + layout.cell * static_cast<double>(row);
  std::string side = pixels(layout.cell - 2);
  std::string kind = row == column ? "right" : "wrong";
  std::string svg = "<g class=\"" + kind + "\"><title>" + escape(classes[row]) + " taken for " +
                    escape(classes[column]) + ": " + grouped(count) + " (" + percent(share) + ")</title><rect x=\"" +
                    pixels(x + 1) + "\" y=\"" + pixels(y + 1) + "\" width=\"" + side + "\" height=\"" + side +
                    "\" rx=\"2\" fill-opacity=\"" + attribute_number(std::round(100 * opacity(share)) / 100) + "\"/>";
  std::string text = grouped(count);
  if (kCharacterWidth * static_cast<double>(character_count(text)) < layout.cell - 2) {
    svg += "<text class=\"" + std::string(opacity(share) > 0.62 ? "on" : "off") + "\" x=\"" +
           pixels(x + layout.cell / 2) + "\" y=\"" + pixels(y + layout.cell / 2 + 4) + "\" text-anchor=\"middle\">" +
           text + "</text>";
  }
  return svg + "</g>\n";
}

std::string alternative(const std::vector<std::string>& classes, const std::vector<std::vector<int64_t>>& counts) {
  int64_t right = 0;
  int64_t all = 0;
  for (size_t row = 0; row < counts.size(); ++row) {
    for (size_t column = 0; column < counts[row].size(); ++column) {
      all += counts[row][column];
      if (row == column) right += counts[row][column];
    }
  }
  return "Confusion matrix of " + plural(static_cast<int64_t>(classes.size()), "class", "classes") + ": " +
         grouped(right) + " of " + plural(all, "video", "videos") + " shown lie on the diagonal.";
}

std::string cells(const Layout& layout, const std::vector<std::string>& classes,
                  const std::vector<std::vector<int64_t>>& counts, const std::vector<int64_t>& row_totals) {
  std::string svg;
  for (size_t row = 0; row < counts.size(); ++row) {
    for (size_t column = 0; column < counts[row].size(); ++column) {
      int64_t count = counts[row][column];
      if (count == 0) continue;
      double share = static_cast<double>(count) / static_cast<double>(std::max<int64_t>(row_totals[row], 1));
      svg += cell_at(layout, classes, row, column, count, share);
    }
  }
  return svg;
}

}  // namespace

std::string heat_map(const std::vector<std::string>& classes, const std::vector<std::vector<int64_t>>& counts,
                     const std::vector<int64_t>& row_totals) {
  Layout layout = layout_for(classes);
  std::string size = pixels(layout.cell * static_cast<double>(classes.size()));
  return "<figure class=\"scroll\" role=\"region\" tabindex=\"0\" aria-label=\"Confusion matrix\"><svg class=\"heat\" "
         "width=\"" +
         pixels(layout.width) + "\" height=\"" + pixels(layout.height) + "\" role=\"img\" aria-label=\"" +
         alternative(classes, counts) + "\"><rect class=\"track\" x=\"" + pixels(layout.names) + "\" y=\"" +
         pixels(layout.head) + "\" width=\"" + size + "\" height=\"" + size + "\" rx=\"4\"/>" + names(layout, classes) +
         cells(layout, classes, counts, row_totals) +
         "</svg><figcaption>Rows: the truth. Columns: the prediction. Colour: share of the "
         "row.</figcaption></figure>\n";
}

}  // namespace permafrost::launch
