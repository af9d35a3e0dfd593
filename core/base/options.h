// One table of options that drives parsing, --help and --print-config.
//
//   OptionTable table;
//   table.section("recipe", "the training recipe");
//   table.add("epochs", options.epochs, "passes over the training set");
//   table.read_config("configs/demo.ini");                       // [recipe] epochs = 36
//   std::vector<std::string> positional = table.read_arguments({"--recipe.epochs", "40"});
//   table.finish();                                              // throws ConfigError with every fault, a line each
//
// Later sources win: defaults, then the config, then the command line; the table remembers where a value came from.
// Boost.Program_options reads the two syntaxes; what it finds is set here, so that all faults are told at once.
#pragma once

#include <cstdint>
#include <functional>
#include <map>
#include <string>
#include <variant>
#include <vector>

namespace permafrost::core {

// A list takes every occurrence of the option; those of a later source replace those of an earlier one.
using OptionTarget = std::variant<std::string*, int64_t*, double*, bool*, std::vector<std::string>*>;

struct Option {
  std::string name;  // "recipe.epochs", or "manifest" where it belongs to no section
  OptionTarget target;
  std::string help;
  std::vector<std::string> choices;  // empty: any value of the type
  std::string origin = "default";

  std::string value() const;
  std::string accepts() const;  // its choices "auto|cpu|cuda", or the kind of its values: "INTEGER"
  bool is_switch() const { return std::holds_alternative<bool*>(target); }
};

struct OptionSection {
  std::string prefix;  // of its options: "recipe.", or "" for those without a section
  std::string title;

  bool has(const Option& option) const;
};

class OptionTable {
 public:
  // Options added from here on are named "NAME.option"; an empty name ends the section.
  void section(const std::string& name, const std::string& help);
  // The target must outlive the table; its present value is the default. Choices only for strings.
  void add(const std::string& name, OptionTarget target, const std::string& help,
           std::vector<std::string> choices = {});

  // Reads an INI file. Throws IoError where it cannot be read; collects every other fault, an option given twice too.
  void read_config(const std::string& path);
  // Returns what is no option. Collects faults. A section may be left out of a name that only one section of the
  // `usable` options has (names, or "recipe." for all of a section; none: all options): --codec is --cache.codec.
  std::vector<std::string> read_arguments(const std::vector<std::string>& arguments,
                                          const std::vector<std::string>& usable = {});
  // Adds a fault that only the caller can see. finish() tells it with the others.
  void complain(const std::string& fault) { faults_.push_back(fault); }
  // Throws ConfigError, one line for each fault collected.
  void finish() const;

  const std::vector<Option>& options() const { return options_; }
  const std::vector<OptionSection>& sections() const { return sections_; }
  bool is_set(const std::string& name) const;
  // Option lines grouped by section, with types and defaults; only sections and options named in `only` if not empty.
  std::string help(const std::vector<std::string>& only) const;
  // "name = value  # origin" for every option.
  std::string print() const;

 private:
  Option* find(const std::string& name);
  std::vector<std::string> with_sections(std::vector<std::string> arguments,
                                         const std::vector<std::string>& usable) const;
  void assign(const std::string& name, const std::string& text, const std::string& origin);
  void complain_of_unknown(const std::string& name, const std::string& origin);

  std::vector<Option> options_;
  std::vector<OptionSection> sections_;
  std::string section_;
  std::vector<std::string> faults_;
};

// The number that `text`, a part of an option's value, is. Throws ConfigError naming the option.
double number_of(const std::string& option, const std::string& text);

// Whether `option` is one of `wanted`: names, or "recipe." for all of a section.
bool is_among(const std::string& option, const std::vector<std::string>& wanted);

// The candidate nearest to `word` by edit distance, or "" where none is near.
std::string nearest_name(const std::string& word, const std::vector<std::string>& candidates);

}  // namespace permafrost::core
