// What `permafrost doctor` finds: a thing that a job needs, how it is, and what to do where it is not as it should be.
#pragma once

#include <nlohmann/json.hpp>
#include <string>
#include <vector>

namespace permafrost::launch {

enum class Verdict { kOk, kWarn, kFix };  // kWarn: works, with a loss; kFix: a job would fail

struct Finding {
  Verdict verdict = Verdict::kOk;
  std::string what;    // "open files"
  std::string found;   // "1024"
  std::string remedy;  // a command or what to change; empty where all is well

  bool operator==(const Finding&) const = default;
};

NLOHMANN_JSON_SERIALIZE_ENUM(Verdict, {{Verdict::kOk, "ok"}, {Verdict::kWarn, "warn"}, {Verdict::kFix, "fix"}})
NLOHMANN_DEFINE_TYPE_NON_INTRUSIVE(Finding, verdict, what, found, remedy)

// kOk and no remedy where `is_well`, else `otherwise` and the remedy.
inline Finding finding(bool is_well, Verdict otherwise, std::string what, std::string found, std::string remedy) {
  if (is_well) return {Verdict::kOk, std::move(what), std::move(found), ""};
  return {otherwise, std::move(what), std::move(found), std::move(remedy)};
}

// "3.2 GB"
std::string bytes_text(double bytes);

}  // namespace permafrost::launch
