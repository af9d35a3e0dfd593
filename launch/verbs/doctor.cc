// Whether this machine, or all nodes of a job, have what training needs; each finding ok, warn or fix, with what to do.
#include <torch/version.h>

#include <algorithm>
#include <iostream>
#include <map>

#include "core/base/error.h"
#include "core/base/file.h"
#include "launch/doctor/checks.h"
#include "launch/training/run_directory.h"
#include "launch/verbs/verbs.h"

namespace permafrost::launch {
namespace {

using nlohmann::json;

// What the first rank of each node found, by node.
std::map<std::string, std::vector<Finding>> gather_nodes(distributed::Communicator& world,
                                                         const Invocation& invocation) {
  std::vector<Finding> mine;
  if (invocation.session->local_rank() == 0) {
    for (const std::vector<Finding>& some : {check_machine(), check_launchers(*invocation.session), check_gpus()}) {
      mine.insert(mine.end(), some.begin(), some.end());
    }
  }
  std::map<std::string, std::vector<Finding>> nodes;
  for (const std::string& text : world.gather(json_text({{"host", core::host_name()}, {"findings", mine}}, -1))) {
    const json found = json::parse(text);
    if (!found["findings"].empty()) nodes[found["host"]] = found["findings"];
  }
  return nodes;
}

// Each finding once, with the nodes that share it where not all do.
std::vector<Finding> merge(const std::map<std::string, std::vector<Finding>>& nodes) {
  std::vector<std::pair<Finding, std::vector<std::string>>> merged;
  for (const auto& [host, findings] : nodes) {
    for (const Finding& one : findings) {
      const auto same =
          std::find_if(merged.begin(), merged.end(), [&](const auto& known) { return known.first == one; });
      if (same == merged.end()) {
        merged.push_back({one, {host}});
      } else if (same->second.back() != host) {
        same->second.push_back(host);
      }
    }
  }
  std::vector<Finding> findings;
  for (auto& [one, hosts] : merged) {
    if (hosts.size() < nodes.size()) one.what += " (" + hosts.front() + (hosts.size() > 1 ? ", ..)" : ")");
    findings.push_back(one);
  }
  return findings;
}

// Versions that all ranks must share.
Finding check_versions(distributed::Communicator& world) {
  const std::string mine = std::string("permafrost ") + PERMAFROST_VERSION + ", LibTorch " + TORCH_VERSION;
  const std::vector<std::string> all = world.all_gather_strings(mine);
  const bool is_same = std::all_of(all.begin(), all.end(), [&](const std::string& one) { return one == mine; });
  return finding(is_same, Verdict::kFix, "program", mine + (is_same ? "" : "; others differ"),
                 "install the same build on all nodes");
}

void print_table(const std::vector<Finding>& findings) {
  size_t width = 0;
  for (const Finding& one : findings) width = std::max(width, one.what.size());
  for (const Finding& one : findings) {
    std::string what = one.what, verdict = json(one.verdict).get<std::string>();
    what.resize(width, ' ');
    verdict.resize(4, ' ');
    std::cout << verdict << "  " << what << "  " << one.found << "\n";
    if (!one.remedy.empty()) std::cout << std::string(width + 8, ' ') << "-> " << one.remedy << "\n";
  }
}

}  // namespace

int run_doctor(Invocation& invocation) {
  distributed::Communicator world(*invocation.session);
  std::vector<Finding> findings = {check_versions(world)};
  const std::vector<Finding> of_nodes = merge(gather_nodes(world, invocation));
  findings.insert(findings.end(), of_nodes.begin(), of_nodes.end());
  if (world.size() > 1) findings.push_back(check_link(world));
  const std::vector<std::string> here{"."};
  for (const std::string& folder : invocation.words.empty() ? here : invocation.words) {
    const std::vector<Finding> of_folder = check_folder(world, folder);
    findings.insert(findings.end(), of_folder.begin(), of_folder.end());
  }
  const bool is_broken =
      std::any_of(findings.begin(), findings.end(), [](const Finding& one) { return one.verdict == Verdict::kFix; });
  if (world.is_root() && invocation.settings.has.json) {
    std::cout << json_text({{"ranks", world.size()}, {"findings", findings}}, 2) << std::endl;
  } else if (world.is_root()) {
    print_table(findings);
  }
  return world.broadcast(is_broken ? "broken" : "") == "broken" ? core::kExitError : core::kExitDone;
}

}  // namespace permafrost::launch
