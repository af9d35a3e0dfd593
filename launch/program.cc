#include "launch/program.h"

#include <ATen/Parallel.h>
#include <unistd.h>

#include <chrono>
#include <iostream>
#include <memory>
#include <optional>
#include <sstream>
#include <thread>

#include "core/base/error.h"
#include "core/base/log.h"
#include "launch/geometry.h"
#include "launch/verbs/verbs.h"

namespace permafrost::launch {
namespace {

const Verb* find_verb(const std::string& name) {
  for (const Verb& verb : verbs()) {
    if (verb.name == name) return &verb;
  }
  return nullptr;
}

std::string overview() {
  std::ostringstream text;
  text << "Permafrost trains video models on frozen image features (DiST).\n\n"
          "  permafrost VERB [--config FILE.ini] [--section.option VALUE ...]\n\n";
  for (const Verb& verb : verbs()) {
    std::string name = verb.name;
    name.resize(14, ' ');
    text << "  " << name << verb.summary << "\n";
  }
  text
      << "\n`permafrost VERB --help` explains a verb. Started by mpirun or srun, cache build, train, eval and dataset\n"
         "scan share their work over the ranks.\n";
  return text.str();
}

std::string help_of(const Verb& verb, const core::OptionTable& table) {
  return "permafrost " + verb.name + verb.usage + "\n\n" + verb.summary + "\n" + table.help(verb.options) +
         "\nExample:\n  " + verb.example + "\n";
}

core::ConfigError unknown_verb(const std::string& name) {
  std::vector<std::string> names;
  for (const Verb& verb : verbs()) names.push_back(verb.name);
  const std::string near = core::nearest_name(name, names);
  return core::ConfigError("unknown verb '" + name + "'" +
                           (near.empty() ? ": see permafrost help" : ": did you mean '" + near + "'?"));
}

// Reads the options of `verb`. Returns false where the user only wanted to be told something, which is then printed.
bool prepare(const Verb& verb, const std::vector<std::string>& arguments, core::OptionTable& table,
             Invocation& invocation) {
  Settings& settings = invocation.settings;
  {
    Settings first_look;  // to find --config before the command line, which wins over it
    core::OptionTable probe = make_option_table(first_look);
    probe.read_arguments(arguments);
    if (!first_look.path.config.empty()) table.read_config(first_look.path.config);
  }
  invocation.words = table.read_arguments(arguments);
  invocation.table = &table;
  if (settings.has.help) {
    std::cout << help_of(verb, table);
    return false;
  }
  table.finish();
  require_sound(settings);
  if (settings.has.print_config) std::cout << table.print() << describe_cost(settings);
  return !settings.has.print_config;
}

void tell(const std::string& verb, const std::string& message) {
  std::istringstream lines(message);
  for (std::string line; std::getline(lines, line);) core::log_error() << "permafrost " << verb << ": " << line;
}

// One rank's error ends the job. All ranks often meet the same one: the others give rank 0 a moment to say it once.
int fail(distributed::MpiSession* session, const std::string& verb, const std::string& message, int code) {
  if (session != nullptr && session->rank() != 0) std::this_thread::sleep_for(std::chrono::milliseconds(500));
  tell(verb, message);
  if (session != nullptr && session->size() > 1) session->abort_job(code);
  return code;
}

int run_verb(const Verb& verb, Invocation& invocation, int argc, char** argv) {
  std::optional<distributed::MpiSession> session;
  try {
    if (verb.is_distributed) {
      session.emplace(&argc, &argv);
      invocation.session = &*session;
      core::set_log_rank(session->rank(), session->size());
    }
    return verb.run(invocation);
  } catch (const core::Error& error) {
    return fail(invocation.session, verb.name, error.what(), error.exit_code());
  } catch (const c10::Error& error) {
    return fail(invocation.session, verb.name, "LibTorch: " + std::string(error.what_without_backtrace()),
                core::kExitError);
  } catch (const std::exception& error) {
    return fail(invocation.session, verb.name, error.what(), core::kExitError);
  }
}

}  // namespace

const std::string& Invocation::need(const std::string& value, const std::string& name) const {
  if (value.empty()) throw core::ConfigError("expected --" + name + ", found none: see permafrost help");
  return value;
}

int64_t place_threads(const Invocation& invocation) {
  const int64_t node_cores = ::sysconf(_SC_NPROCESSORS_ONLN);
  const int64_t own_cores = std::max<int64_t>(1, std::thread::hardware_concurrency());  // those we may run on
  const int64_t ranks = invocation.session == nullptr ? 1 : invocation.session->local_size();
  const bool is_bound = own_cores < node_cores;  // the launcher has shared the cores out already
  const int64_t share = std::max<int64_t>(1, is_bound ? own_cores : own_cores / ranks);
  const int64_t threads = invocation.settings.threads > 0 ? invocation.settings.threads : share;
  at::set_num_threads(static_cast<int>(threads));
  return threads;
}

int run_program(int argc, char** argv) {
  core::start_logging(argv[0], core::LogLevel::kInfo);
  std::vector<std::string> arguments(argv + 1, argv + argc);
  if (arguments.empty() || arguments[0] == "help" || arguments[0] == "--help") {
    std::cout << overview();
    return arguments.empty() ? core::kExitUsage : core::kExitDone;
  }
  const std::string name = arguments[0];
  arguments.erase(arguments.begin());
  auto invocation = std::make_unique<Invocation>();
  core::OptionTable table = make_option_table(invocation->settings);
  try {
    const Verb* verb = find_verb(name);
    if (verb == nullptr) throw unknown_verb(name);
    if (!prepare(*verb, arguments, table, *invocation)) return core::kExitDone;
    return run_verb(*verb, *invocation, argc, argv);
  } catch (const core::Error& error) {
    tell(name, error.what());
    return error.exit_code();
  }
}

}  // namespace permafrost::launch
