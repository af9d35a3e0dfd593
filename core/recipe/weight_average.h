// An average of the weights over the steps, which often classifies better than the last ones: after each step
// average = decay * average + (1 - decay) * weights.
//
//   WeightAverage average(parameters, 0.999);
//   optimizer.step(rate); average.update();
//   { const WeightAverage::InUse in_use(average); evaluate(classifier); }   // the weights are then as before
#pragma once

#include <map>
#include <string>
#include <vector>

#include "core/recipe/optimizer.h"

namespace permafrost::core {

class WeightAverage {
 public:
  // Starts from the parameters as they are. decay: 0 to 1, less than 1.
  WeightAverage(const std::vector<NamedParameter>& parameters, double decay);

  void update();

  // NAME.average -> float tensor, beside the optimiser's moments in a checkpoint.
  std::map<std::string, torch::Tensor> state() const;
  // Throws DataError where one is missing or misshapen.
  void load_state(const std::map<std::string, torch::Tensor>& state, const std::string& where);

  // While it lives the parameters hold the average.
  class InUse {
   public:
    explicit InUse(WeightAverage& average);
    ~InUse();
    InUse(const InUse&) = delete;
    InUse& operator=(const InUse&) = delete;

   private:
    WeightAverage& average_;
    std::vector<torch::Tensor> weights_;
  };

 private:
  double decay_;
  std::vector<std::string> names_;
  std::vector<torch::Tensor> parameters_, averages_;
};

// A checkpoint's weights as they are to be used: the average where one was kept.
std::map<std::string, torch::Tensor> averaged(std::map<std::string, torch::Tensor> model,
                                              const std::map<std::string, torch::Tensor>& optimizer);

}  // namespace permafrost::core
