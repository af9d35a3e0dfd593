// The program: finds the verb, reads its options, calls it, and turns what it throws into one line and an exit code.
//
//   int main(int argc, char** argv) { return permafrost::launch::run_program(argc, argv); }
#pragma once

#include <string>
#include <vector>

#include "distributed/mpi_session.h"
#include "launch/settings.h"

namespace permafrost::launch {

// What a verb is called with.
struct Invocation {
  Settings settings;
  std::vector<std::string> words;  // after the verb: `scan` of `dataset scan`, the file of `predict FILE`
  std::string verb;
  core::OptionTable* table = nullptr;
  distributed::MpiSession* session = nullptr;  // only for verbs that run on several ranks

  // The path option `name`, or ConfigError saying that the verb needs it.
  const std::string& need(const std::string& value, const std::string& name) const;
  // --encoder, or an error where it is no folder with the two files of an encoder.
  const std::string& need_encoder() const;
  // ConfigError where the command line has an option beside `usable` and those of every verb, for a verb that does
  // several things: `what` names this one.
  void use_only(const std::string& what, const std::vector<std::string>& usable) const;
};

struct Verb {
  std::string name;
  std::string summary;
  std::string usage;  // after "permafrost NAME"
  std::string example;
  std::vector<std::string> options;  // those it can use: "cache", or "recipe." for a section
  bool is_distributed;
  int (*run)(Invocation&);
  size_t words = 0;                       // how many it takes after its name at most
  std::vector<std::string> actions = {};  // what the first of them may be, where the verb does several things
};

const std::vector<Verb>& verbs();
// Those of a verb, and what every verb takes.
std::vector<std::string> options_of(const Verb& verb);

// Never throws; the exit codes are those of core/base/error.h.
int run_program(int argc, char** argv);

}  // namespace permafrost::launch
