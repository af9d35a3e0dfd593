#include "launch/program.h"

#include <torch/version.h>
#include <unistd.h>

#include <chrono>
#include <csignal>
#include <cstdlib>
#include <filesystem>
#include <iostream>
#include <optional>
#include <set>
#include <sstream>
#include <thread>

#include "core/base/error.h"
#include "core/base/log.h"
#include "data/video/decode_child.h"
#include "distributed/communicator.h"
#include "distributed/stop_signal.h"
#include "launch/geometry.h"
#include "launch/progress.h"
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
      << "\n`permafrost VERB --help` explains a verb. Started by mpirun or srun, dataset, cache, train and eval share\n"
         "their work over the ranks.\n";
  return text.str();
}

// What every verb takes beside its own.
const std::vector<std::string>& common_options() {
  static const std::vector<std::string> kOptions{"config", "threads", "progress", "quiet", "print-config", "help"};
  return kOptions;
}

std::vector<std::string> with_common(std::vector<std::string> options) {
  options.insert(options.end(), common_options().begin(), common_options().end());
  return options;
}

std::string help_of(const Verb& verb, const core::OptionTable& table) {
  return "permafrost " + verb.name + verb.usage + "\n\n" + verb.summary + "\n" + table.help(options_of(verb)) +
         "\nExample:\n  " + verb.example + "\n";
}

core::ConfigError unknown_verb(const std::string& name) {
  std::vector<std::string> names;
  for (const Verb& verb : verbs()) names.push_back(verb.name);
  const std::string near = core::nearest_name(name, names);
  return core::ConfigError("unknown verb '" + name + "'" +
                           (near.empty() ? ": see permafrost help" : ": did you mean '" + near + "'?"));
}

// A config may hold the options of other verbs, a command line may not: whoever types one expects it to matter.
void refuse_options(const std::string& what, const std::vector<std::string>& usable, const std::string& remedy,
                    core::OptionTable& table) {
  for (const core::Option& option : table.options()) {
    if (option.origin != "command line" || core::is_among(option.name, usable)) continue;
    table.complain("command line: " + what + " has no use for --" + option.name + remedy);
  }
}

void refuse_strangers(const Verb& verb, const std::vector<std::string>& words, core::OptionTable& table) {
  const std::string remedy = ": see permafrost " + verb.name + " --help";
  refuse_options(verb.name, options_of(verb), remedy, table);
  for (size_t i = verb.words; i < words.size(); ++i) {
    table.complain("command line: " + verb.name + " has no use for the word '" + words[i] + "'" + remedy);
  }
}

// Reads the options of `verb` and throws ConfigError with every fault of them, unless only its help is wanted.
void read_options(const Verb& verb, const std::vector<std::string>& arguments, Invocation& invocation) {
  Settings& settings = invocation.settings;
  core::OptionTable& table = *invocation.table;
  const std::vector<std::string> options = options_of(verb);
  {
    Settings first_look;  // to find --config before the command line, which wins over it
    core::OptionTable probe = make_option_table(first_look);
    probe.read_arguments(arguments, options);
    if (!first_look.path.config.empty()) table.read_config(first_look.path.config);
  }
  invocation.words = table.read_arguments(arguments, options);
  if (settings.has.help) return;
  refuse_strangers(verb, invocation.words, table);
  for (const std::string& fault : faults_of(settings)) table.complain(fault);
  table.finish();
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

struct Fault {
  std::string message;
  int code = core::kExitDone;
};

Fault fault_of_options(const Verb& verb, const std::vector<std::string>& arguments, Invocation& invocation) {
  try {
    read_options(verb, arguments, invocation);
    return {};
  } catch (const core::Error& error) {
    return {error.what(), error.exit_code()};
  }
}

// Every rank reads the options; rank 0 tells what is wrong with them, each fault once, and all leave together with the
// code returned.
int agree(distributed::MpiSession* session, const std::string& verb, const Fault& fault) {
  if (session == nullptr) {
    tell(verb, fault.message);
    return fault.code;
  }
  distributed::Communicator world(*session);
  std::set<std::string> told;
  for (const std::string& message : world.gather(fault.message)) {
    if (told.insert(message).second) tell(verb, message);
  }
  return static_cast<int>(world.all_reduce_max(fault.code));
}

// Prints what was asked for instead of the verb's work. Returns whether something was.
bool print_instead(const Verb& verb, const Invocation& invocation) {
  const SwitchSettings& has = invocation.settings.has;
  if (!has.help && !has.print_config) return false;
  if (invocation.session != nullptr && invocation.session->rank() != 0) return true;
  const std::string config = has.help ? "" : invocation.table->print() + describe_cost(invocation.settings);
  std::cout << (has.help ? help_of(verb, *invocation.table) : config) << std::flush;
  return true;
}

void start_session(std::optional<distributed::MpiSession>& session, Invocation& invocation, int argc, char** argv) {
  session.emplace(&argc, &argv, invocation.settings.deadline);
  invocation.session = &*session;
  core::set_log_rank(session->rank(), session->size());
}

void set_output(const Settings& settings) {
  set_progress_style(settings.has.quiet ? "never" : settings.progress);
  if (settings.has.quiet) core::set_log_level(core::LogLevel::kWarning);
}

int run_verb(const Verb& verb, const std::vector<std::string>& arguments, int argc, char** argv) {
  Invocation invocation;
  core::OptionTable table = make_option_table(invocation.settings);
  invocation.verb = verb.name;
  invocation.table = &table;
  std::optional<distributed::MpiSession> session;
  if (verb.is_distributed) distributed::StopSignal::hold();
  try {
    const Fault fault = fault_of_options(verb, arguments, invocation);
    // Among several ranks the session comes before the complaint, so that one of them speaks for all.
    if (verb.is_distributed && distributed::launched_ranks()) start_session(session, invocation, argc, argv);
    if (const int code = agree(invocation.session, verb.name, fault); code != core::kExitDone) return code;
    if (print_instead(verb, invocation)) return core::kExitDone;
    set_output(invocation.settings);
    if (verb.is_distributed && !session) start_session(session, invocation, argc, argv);
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

// `-h`, and `help` in the place of the first word, are the long option too.
std::vector<std::string> with_help_spelt_out(std::vector<std::string> arguments) {
  std::replace(arguments.begin(), arguments.end(), std::string("-h"), std::string("--help"));
  if (!arguments.empty() && arguments.front() == "help") arguments.front() = "--help";
  return arguments;
}

}  // namespace

std::vector<std::string> options_of(const Verb& verb) { return with_common(verb.options); }

const std::string& Invocation::need(const std::string& value, const std::string& name) const {
  if (value.empty()) throw core::ConfigError("expected --" + name + ", found none: see permafrost " + verb + " --help");
  return value;
}

const std::string& Invocation::need_encoder() const {
  const std::string& folder = need(settings.path.encoder, "encoder");
  if (std::filesystem::exists(folder)) return folder;
  throw core::IoError(folder + ": expected the folder of a frozen encoder, found none: give another --encoder");
}

void Invocation::use_only(const std::string& what, const std::vector<std::string>& usable) const {
  refuse_options(what, with_common(usable), ": see permafrost " + verb + " --help", *table);
  table->finish();
}

int run_program(int argc, char** argv) {
  core::start_logging(argv[0], core::LogLevel::kInfo);
  std::signal(SIGXFSZ, SIG_IGN);  // a file over the limit (ulimit -f) is an error that says so, not a silent end
  std::vector<std::string> arguments = with_help_spelt_out({argv + 1, argv + argc});
  if (arguments.empty() || arguments[0] == "--help") {
    std::cout << overview();
    return arguments.empty() ? core::kExitUsage : core::kExitDone;
  }
  if (arguments[0] == "--version") {
    std::cout << "permafrost " << PERMAFROST_VERSION << ", LibTorch " << TORCH_VERSION << "\n";
    return core::kExitDone;
  }
  if (arguments[0] == data::kDecodeChildWord && arguments.size() == 3) {
    data::serve_decoding(STDIN_FILENO, std::stoll(arguments[1]), std::stoll(arguments[2]));
  }
  const std::string name = arguments[0];
  arguments.erase(arguments.begin());
  if (const Verb* verb = find_verb(name)) return run_verb(*verb, with_help_spelt_out(arguments), argc, argv);
  tell(name, unknown_verb(name).what());
  return core::kExitUsage;
}

}  // namespace permafrost::launch
