// Where the time of some code goes, by LibTorch's own hooks: each operator's own time, under the part of the network
// that called it, and the backward of a part under the same name.
//
//   StepProfile profile;                  // from now on, for the calling thread's work
//   step();
//   for (const ProfileRow& row : profile.rows()) ...
//
// A part is whatever runs under RECORD_USER_SCOPE("its name"), in a node of autograd's own backward too. One profile at
// a time.
#pragma once

#include <ATen/record_function.h>

#include <cstdint>
#include <string>
#include <vector>

namespace permafrost::launch {

struct ProfileRow {
  std::string part;  // "" outside any
  std::string operator_name;
  int64_t calls = 0;
  double seconds = 0;  // of the operator itself, without those it calls
};

class StepProfile {
 public:
  StepProfile();
  ~StepProfile();
  StepProfile(const StepProfile&) = delete;
  StepProfile& operator=(const StepProfile&) = delete;

  // So far, the longest first.
  std::vector<ProfileRow> rows() const;

 private:
  at::CallbackHandle handle_;
};

}  // namespace permafrost::launch
