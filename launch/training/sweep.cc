#include "launch/training/sweep.h"

#include <algorithm>
#include <array>
#include <set>

#include "core/base/error.h"
#include "core/base/options.h"

namespace permafrost::launch {
namespace {

struct Sweepable {
  const char* name;
  const char* option;
  double& (*of)(RecipeSettings&);
};

constexpr std::array<Sweepable, 7> kSweepable{{
    {"lr", "recipe.learning_rate", [](RecipeSettings& recipe) -> double& { return recipe.schedule.learning_rate; }},
    {"wd", "recipe.weight_decay", [](RecipeSettings& recipe) -> double& { return recipe.weight_decay; }},
    {"warmup", "recipe.warmup_epochs", [](RecipeSettings& recipe) -> double& { return recipe.schedule.warmup_epochs; }},
    {"warmup_start", "recipe.warmup_start",
     [](RecipeSettings& recipe) -> double& { return recipe.schedule.warmup_start; }},
    {"smoothing", "recipe.label_smoothing", [](RecipeSettings& recipe) -> double& { return recipe.label_smoothing; }},
    {"clip", "recipe.clip_norm", [](RecipeSettings& recipe) -> double& { return recipe.clip_norm; }},
    {"ema", "recipe.ema_decay", [](RecipeSettings& recipe) -> double& { return recipe.ema_decay; }},
}};

const Sweepable& sweepable_named(const std::string& name) {
  for (const Sweepable& one : kSweepable) {
    if (name == one.name || name == one.option) return one;
  }
  throw core::ConfigError("option 'sweep' names '" + name + "', expected one of " + sweep_names() +
                          ": what else there is changes the batches or the features, which all networks share");
}

std::vector<std::string> split(const std::string& text, char separator) {
  std::vector<std::string> parts;
  size_t begin = 0;
  for (size_t end = 0; end != std::string::npos; begin = end + 1) {
    end = text.find(separator, begin);
    parts.push_back(text.substr(begin, end == std::string::npos ? end : end - begin));
  }
  return parts;
}

SweepPoint with(SweepPoint point, const Sweepable& what, const std::string& value) {
  what.of(point.settings.recipe) = core::number_of("sweep", value);
  point.name += (point.name.empty() ? "" : ",") + std::string(what.name) + "=" + value;
  point.options.emplace_back(what.option);
  point.values.push_back(value);
  return point;
}

}  // namespace

std::string sweep_names() {
  std::string names;
  for (const Sweepable& one : kSweepable) {
    names += (names.empty() ? "" : ", ") + std::string(one.name) + " (" + one.option + ")";
  }
  return names;
}

// A part without "=" is one more value of the name before it.
std::vector<SweepAxis> axes_of(const std::vector<std::string>& texts) {
  std::vector<SweepAxis> axes;
  for (const std::string& text : texts) {
    for (const std::string& part : split(text, ',')) {
      const size_t equals = part.find('=');
      if (equals != std::string::npos) axes.push_back({sweepable_named(part.substr(0, equals)).name, {}});
      if (axes.empty()) throw core::ConfigError("option 'sweep' is '" + text + "', expected NAME=VALUE,VALUE...");
      const std::string value = equals == std::string::npos ? part : part.substr(equals + 1);
      core::number_of("sweep", value);
      axes.back().values.push_back(value);
    }
  }
  std::set<std::string> seen;
  for (const SweepAxis& axis : axes) {
    const std::set<std::string> values(axis.values.begin(), axis.values.end());
    if (!seen.insert(axis.name).second || values.size() < axis.values.size()) {
      throw core::ConfigError("option 'sweep' gives " + axis.name + " or one of its values twice: once is enough");
    }
  }
  return axes;
}

std::vector<SweepPoint> points_of(const Settings& settings) {
  std::vector<SweepPoint> points{{.name = "", .settings = settings, .options = {}, .values = {}}};
  for (const SweepAxis& axis : axes_of(settings.sweep)) {
    std::vector<SweepPoint> more;
    for (const SweepPoint& point : points) {
      for (const std::string& value : axis.values) more.push_back(with(point, sweepable_named(axis.name), value));
    }
    points = std::move(more);
  }
  for (SweepPoint& point : points) {
    if (!point.name.empty()) point.settings.path.run += "/" + point.name;
    const std::vector<std::string> faults = faults_of(point.settings);
    if (!faults.empty()) throw core::ConfigError("option 'sweep', " + point.name + ": " + faults.front());
  }
  return points;
}

}  // namespace permafrost::launch
