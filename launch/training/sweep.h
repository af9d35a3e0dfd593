// Several networks over one forward: the points of `train --sweep`, each a run of its own.
//
//   --sweep lr=1e-3,3e-3,wd=1e-4      two networks: RUN/lr=1e-3,wd=1e-4 and RUN/lr=3e-3,wd=1e-4
//
// What may be swept changes neither the batches nor the features: those are common.
#pragma once

#include <string>
#include <vector>

#include "launch/settings.h"

namespace permafrost::launch {

// "lr", "wd", ... with the options they stand for, for complaints.
std::string sweep_names();

struct SweepAxis {
  std::string name;
  std::vector<std::string> values;  // as they were typed
};

// The axes of `texts`, several of which may be in one. Throws ConfigError naming what is no such option or no number.
std::vector<SweepAxis> axes_of(const std::vector<std::string>& texts);

struct SweepPoint {
  std::string name;                          // "lr=1e-3,wd=1e-4"; empty where nothing is swept
  Settings settings;                         // path.run is the point's own folder
  std::vector<std::string> options, values;  // what differs from the sweep's: "recipe.learning_rate", "1e-3"
};

// Every combination, the last axis fastest; the settings themselves where nothing is swept.
std::vector<SweepPoint> points_of(const Settings& settings);

}  // namespace permafrost::launch
