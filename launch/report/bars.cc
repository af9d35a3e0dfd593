#include <algorithm>
#include <cmath>

#include "launch/report/charts.h"
#include "launch/report/markup.h"

namespace permafrost::launch {
namespace {

// Percent of the width, for an attribute.
std::string extent(double fraction) {
  bool is_drawable = std::isfinite(fraction) && fraction > 0;
  return is_drawable ? attribute_number(100 * std::min(fraction, 1.0)) + "%" : "0";
}

std::string bar_drawing(const Bar& bar) {
  return "<svg class=\"bar\" width=\"100%\" height=\"18\" aria-hidden=\"true\"><rect class=\"track\" width=\"100%\" "
         "height=\"18\" rx=\"3\"/><rect width=\"" +
         extent(bar.value) + "\" height=\"18\" rx=\"3\"/></svg>";
}

}  // namespace

// Roles are spelt out: the style turns the rows into a grid on a phone, and browsers then forget that this is a table.
std::string bar_list(const std::string& caption, const std::vector<Bar>& bars) {
  std::string rows;
  for (const Bar& bar : bars) {
    std::string kind = bar.is_main ? " class=\"main\"" : bar.is_light ? " class=\"light\"" : "";
    std::string detail = bar.detail.empty() ? "" : "<small>" + escape(bar.detail) + "</small>";
    rows += "<tr role=\"row\"" + kind + "><th role=\"rowheader\" scope=\"row\">" + escape(bar.name) + detail +
            "</th><td role=\"cell\" class=\"drawing\">" + bar_drawing(bar) +
            "</td><td role=\"cell\" class=\"number\">" + escape(bar.shown) + "</td></tr>\n";
  }
  return "<table role=\"table\" class=\"bars\"><caption>" + escape(caption) + "</caption><tbody role=\"rowgroup\">" +
         rows + "</tbody></table>\n";
}

std::string share_bar(const std::string& caption, const std::vector<Share>& shares) {
  double sum = 0;
  for (const Share& share : shares) sum += std::isfinite(share.value) ? share.value : 0;
  std::string drawing;
  Table legend(caption, {"part", "#time", "#share"});
  double begin = 0;
  for (size_t i = 0; i < shares.size(); ++i) {
    bool is_part = sum > 0 && std::isfinite(shares[i].value);
    double part = is_part ? shares[i].value / sum : 0;
    std::string colour = "part" + std::to_string(i % 4 + 1);
    drawing += "<rect class=\"" + colour + "\" x=\"" + extent(begin) + "\" width=\"" + extent(part) +
               "\" height=\"26\"><title>" + escape(shares[i].name) + ": " + percent(part) + "</title></rect>";
    begin += part;
    legend.row({"<i class=\"key " + colour + "\"></i>" + escape(shares[i].name), escape(shares[i].shown),
                percent(is_part ? part : std::nan(""))});
  }
  return "<svg class=\"shares\" width=\"100%\" height=\"26\" aria-hidden=\"true\">" + drawing + "</svg>" +
         legend.html();
}

}  // namespace permafrost::launch
