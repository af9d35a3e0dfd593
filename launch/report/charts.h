// The charts of the report, as inline SVG that follows the page's colours and width.
//
//   html += line_chart({.title = "Loss", .unit = "", .x = steps, .y = losses});
//   html += bar_list("Top-1 accuracy", {{.name = "DiST", .value = 0.95, .shown = "95.0 %"}});
//   html += heat_map(classes, confusion);
//
// Every chart has a text alternative; all names are escaped here.
#pragma once

#include <cstdint>
#include <string>
#include <vector>

namespace permafrost::launch {

struct Mark {
  double x = 0;
  std::string name;
};

struct LineChart {
  std::string title;
  std::string note;         // a sentence below the title, may be empty
  std::vector<double> x;    // ascending
  std::vector<double> y;    // one for each x; what is not finite leaves a gap
  std::vector<Mark> marks;  // vertical lines
  bool is_percent = false;  // y is a fraction, shown in percent on an axis from 0 to 1
  bool is_smoothed = true;  // draws a moving average over the faint raw line
};

// Long series are thinned to the extremes of a few hundred buckets, so that no spike is lost.
std::string line_chart(const LineChart& chart);

struct Bar {
  std::string name;
  double value = 0;    // length: fraction of the full width
  std::string shown;   // the value as text
  std::string detail;  // small print below the name, may be empty
  bool is_light = false;
  bool is_main = false;
};

// Horizontal bars as a table: name, bar, value.
std::string bar_list(const std::string& caption, const std::vector<Bar>& bars);

struct Share {
  std::string name;
  double value = 0;   // >= 0, in any unit
  std::string shown;  // the value as text
};

// One bar cut in proportion, and a table that is its legend.
std::string share_bar(const std::string& caption, const std::vector<Share>& shares);

// Rows are the truth, columns the prediction; each cell is coloured by its share of `row_totals`. Readable up to about
// thirty classes: choose before.
std::string heat_map(const std::vector<std::string>& classes, const std::vector<std::vector<int64_t>>& counts,
                     const std::vector<int64_t>& row_totals);

}  // namespace permafrost::launch
