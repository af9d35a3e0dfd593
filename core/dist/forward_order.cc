#include "core/dist/forward_order.h"

#include <algorithm>
#include <array>
#include <numeric>
#include <string_view>
#include <tuple>

namespace permafrost::core {
namespace {

struct Part {
  std::string_view name;
  int stage;  // layer by layer within one
};

// DistNetImpl::forward and integrate(), line by line; the head comes after all of them. What the branches of a layer
// exchange is one node of autograd: the gradients of its three parts come together, in whatever order.
constexpr std::array kParts{
    Part{"temporal_stem", 0},
    Part{"temporal_nets", 1},
    Part{"input_linears", 1},
    Part{"temporal2integration_nets", 1},
    Part{"integration2temporal_nets", 1},
    Part{"integration_nets", 1},
    Part{"aggregated_cls_token", 2},
    Part{"aggregated_spatial_cls_token", 2},
    Part{"adapooling_nets", 3},
    Part{"proj_spatial_cls_token", 4},
    Part{"ln_post", 5},
    Part{"proj", 6},
};
constexpr std::string_view kNetwork = "dist_net.";

using Place = std::tuple<int, int64_t, size_t>;  // stage, layer, part

Place place_of(std::string_view name) {
  if (!name.starts_with(kNetwork)) return {static_cast<int>(kParts.size()), 0, kParts.size()};
  name.remove_prefix(kNetwork.size());
  const std::string_view part = name.substr(0, name.find('.'));
  const auto found = std::find_if(kParts.begin(), kParts.end(), [&](const Part& known) { return known.name == part; });
  if (found == kParts.end()) return {static_cast<int>(kParts.size()), 0, kParts.size()};
  int64_t layer = 0;
  for (size_t at = part.size() + 1; at < name.size() && name[at] >= '0' && name[at] <= '9'; ++at) {
    layer = 10 * layer + (name[at] - '0');
  }
  return {found->stage, layer, static_cast<size_t>(found - kParts.begin())};
}

}  // namespace

std::vector<size_t> forward_order(const std::vector<std::string>& names) {
  std::vector<size_t> order(names.size());
  std::iota(order.begin(), order.end(), size_t{0});
  std::stable_sort(order.begin(), order.end(),
                   [&](size_t a, size_t b) { return place_of(names[a]) < place_of(names[b]); });
  return order;
}

}  // namespace permafrost::core
