#include <algorithm>
#include <cmath>

#include "launch/report/charts.h"
#include "launch/report/markup.h"

namespace permafrost::launch {
namespace {

constexpr size_t kMaximalBuckets = 300;  // two points each: about one per pixel of the widest page
constexpr double kPlotWidth = 1000;      // of the view box; the page stretches it
constexpr double kPlotHeight = 300;

struct Axis {
  double low = 0;
  double high = 1;
  std::vector<double> ticks;

  double along(double value) const { return (value - low) / (high - low); }
};

struct Series {
  std::vector<double> x;
  std::vector<double> y;
};

// Steps of 1, 2 or 5 times a power of ten, about `wanted` of them.
double tick_step(double range, int wanted) {
  double raw = range / wanted;
  double power = std::pow(10, std::floor(std::log10(raw)));
  for (double factor : {1.0, 2.0, 5.0}) {
    if (factor * power >= raw * 0.999) return factor * power;
  }
  return 10 * power;
}

void add_ticks(Axis& axis, double step) {
  for (double k = std::ceil(axis.low / step - 1e-9); k * step <= axis.high + step * 1e-9; ++k) {
    axis.ticks.push_back(k * step);
  }
}

Axis value_axis(const Series& series, bool is_percent) {
  if (is_percent) return {0, 1, {0, 0.25, 0.5, 0.75, 1}};
  auto [low, high] = std::minmax_element(series.y.begin(), series.y.end());
  double range = std::max({*high - *low, std::abs(*high) * 1e-3, 1e-12});
  Axis axis;
  double step = tick_step(range, 4);
  bool is_near_zero = *low >= 0 && *low < 0.6 * *high;
  axis.low = is_near_zero ? 0 : std::floor(*low / step) * step;
  if (is_near_zero) step = tick_step(std::max(*high, 1e-12), 4);
  axis.high = std::max(std::ceil(*high / step - 1e-9) * step, axis.low + step);
  add_ticks(axis, step);
  return axis;
}

Axis step_axis(const Series& series) {
  Axis axis{series.x.front(), series.x.back(), {}};
  if (axis.high <= axis.low) axis = {axis.low - 1, axis.low + 1, {}};
  add_ticks(axis, std::max(1.0, tick_step(axis.high - axis.low, 5)));
  return axis;
}

Series finite_part(const LineChart& chart) {
  Series result;
  for (size_t i = 0; i < chart.x.size() && i < chart.y.size(); ++i) {
    if (!std::isfinite(chart.y[i])) continue;
    result.x.push_back(chart.x[i]);
    result.y.push_back(chart.y[i]);
  }
  return result;
}

// The lowest and the highest point of each bucket, in their order.
Series thinned(const Series& series) {
  size_t points = series.x.size();
  if (points <= 2 * kMaximalBuckets) return series;
  Series result;
  for (size_t bucket = 0; bucket < kMaximalBuckets; ++bucket) {
    auto begin = series.y.begin() + static_cast<std::ptrdiff_t>(bucket * points / kMaximalBuckets);
    auto end = series.y.begin() + static_cast<std::ptrdiff_t>((bucket + 1) * points / kMaximalBuckets);
    auto [low, high] = std::minmax_element(begin, end);
    for (auto at : {std::min(low, high), std::max(low, high)}) {
      result.x.push_back(series.x[static_cast<size_t>(at - series.y.begin())]);
      result.y.push_back(*at);
    }
  }
  return result;
}

// Mean over a centred window of about a thirtieth of the series, cut off at its ends; by prefix sums.
Series smoothed(const Series& series) {
  size_t points = series.y.size();
  size_t reach = points / 60;
  std::vector<double> sums{0};
  for (double y : series.y) sums.push_back(sums.back() + y);
  Series result{series.x, {}};
  for (size_t i = 0; i < points; ++i) {
    size_t begin = i - std::min(i, reach);
    size_t end = std::min(i + reach + 1, points);
    result.y.push_back((sums[end] - sums[begin]) / static_cast<double>(end - begin));
  }
  return result;
}

std::string polyline(const Series& series, const Axis& across, const Axis& up, const std::string& name) {
  if (series.x.size() == 1) {
    std::string y = attribute_number(kPlotHeight * (1 - up.along(series.y[0])));
    return "<line class=\"" + name + "\" x1=\"500\" x2=\"500\" y1=\"" + y + "\" y2=\"" + y + "\"/>";
  }
  std::string points;
  for (size_t i = 0; i < series.x.size(); ++i) {
    double y = std::clamp(1 - up.along(series.y[i]), 0.0, 1.0);
    points += attribute_number(std::round(10 * kPlotWidth * across.along(series.x[i])) / 10) + "," +
              attribute_number(std::round(10 * kPlotHeight * y) / 10) + " ";
  }
  return "<polyline class=\"" + name + "\" points=\"" + points + "\"/>";
}

std::string value_text(const LineChart& chart, double value) {
  return chart.is_percent ? percent(value) : significant(value, 4);
}

std::string grid(const LineChart& chart, const Axis& across, const Axis& up) {
  std::string html;
  for (double tick : up.ticks) {
    std::string y = attribute_number(kPlotHeight * (1 - up.along(tick)));
    html += "<line class=\"grid\" x1=\"0\" x2=\"1000\" y1=\"" + y + "\" y2=\"" + y + "\"/>";
  }
  for (const Mark& mark : chart.marks) {
    double along = across.along(mark.x);
    if (!(along >= 0 && along <= 1)) continue;
    std::string x = attribute_number(kPlotWidth * along);
    html += "<line class=\"mark\" x1=\"" + x + "\" x2=\"" + x + "\" y1=\"0\" y2=\"300\"><title>" + escape(mark.name) +
            "</title></line>";
  }
  return html;
}

// Tick labels are HTML around the drawing: it stretches with the page, they keep their size.
std::string labels(const LineChart& chart, const Axis& across, const Axis& up) {
  std::string html = "<div class=\"up\" aria-hidden=\"true\">";
  for (double tick : up.ticks) {
    std::string text = chart.is_percent ? fixed(100 * tick, 0) + "\u202F%" : significant(tick, 3);
    html += "<span style=\"top:" + attribute_number(100 * (1 - up.along(tick))) + "%\">" + text + "</span>";
  }
  html += "</div><div class=\"across\" aria-hidden=\"true\">";
  for (double tick : across.ticks) {
    html += "<span style=\"left:" + attribute_number(100 * across.along(tick)) + "%\">" + grouped(std::llround(tick)) +
            "</span>";
  }
  return html + "</div>";
}

std::string data_list(const std::vector<double>& values) {
  std::string text;
  for (double value : values) {
    text += std::string(text.empty() ? "" : " ") + attribute_number(value);
  }
  return text;
}

std::string alternative(const LineChart& chart, const Series& series) {
  auto [low, high] = std::minmax_element(series.y.begin(), series.y.end());
  std::string text = chart.title + " over " +
                     plural(static_cast<int64_t>(series.x.size()), "logged step", "logged steps") + ": first " +
                     value_text(chart, series.y.front()) + ", last " + value_text(chart, series.y.back()) +
                     ", lowest " + value_text(chart, *low) + ", highest " + value_text(chart, *high) + ".";
  return escape(text);
}

// What the script needs to show the point under the pointer: see page.cc.
std::string plot(const LineChart& chart, const Series& drawn, const Axis& across, const Axis& up,
                 const std::string& label) {
  std::string text;
  for (double y : drawn.y) text += std::string(text.empty() ? "" : "|") + value_text(chart, y);
  std::vector<double> left;
  std::vector<double> top;
  for (double x : drawn.x) left.push_back(drawn.x.size() == 1 ? 0.5 : across.along(x));
  for (double y : drawn.y) top.push_back(1 - up.along(y));
  return "<div class=\"plot\" data-step=\"" + data_list(drawn.x) + "\" data-left=\"" + data_list(left) +
         "\" data-top=\"" + data_list(top) + "\" data-text=\"" + text +
         "\"><svg viewBox=\"0 0 1000 300\" preserveAspectRatio=\"none\" role=\"img\" aria-label=\"" + label + "\">";
}

}  // namespace

std::string line_chart(const LineChart& chart) {
  Series series = finite_part(chart);
  std::string caption = "<figcaption><strong>" + escape(chart.title) + "</strong>" +
                        (chart.note.empty() ? "" : " <span>" + escape(chart.note) + "</span>") + "</figcaption>";
  if (series.x.empty()) return "<figure class=\"chart\">" + caption + "<p class=\"absent\">Not logged.</p></figure>\n";
  Series drawn = thinned(series);
  Axis across = step_axis(series);
  Axis up = value_axis(series, chart.is_percent);
  bool has_mean = chart.is_smoothed && series.x.size() >= 60;
  std::string lines = polyline(drawn, across, up, has_mean ? "raw" : "mean");
  if (has_mean) lines += polyline(thinned(smoothed(series)), across, up, "mean");
  return "<figure class=\"chart\">" + caption + "<div class=\"frame\">" +
         plot(chart, drawn, across, up, alternative(chart, series)) + grid(chart, across, up) + lines + "</svg></div>" +
         labels(chart, across, up) + "</div></figure>\n";
}

}  // namespace permafrost::launch
