#include "core/base/options.h"

#include <algorithm>
#include <boost/program_options.hpp>
#include <charconv>
#include <set>
#include <sstream>

#include "core/base/error.h"
#include "core/base/file.h"

namespace permafrost::core {
namespace {

namespace po = boost::program_options;

template <class T>
bool parse_number(const std::string& text, T* value) {
  T number{};
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), number);
  if (error != std::errc() || end != text.data() + text.size()) return false;
  *value = number;
  return true;
}

bool parse_bool(const std::string& text, bool* value) {
  *value = text == "true" || text == "yes" || text == "1";
  return *value || text == "false" || text == "no" || text == "0";
}

const char* type_name(const OptionTarget& target) {
  static constexpr const char* kNames[] = {"TEXT", "INTEGER", "NUMBER", "BOOL", "TEXT..."};
  return kNames[target.index()];
}

std::string joined(const std::vector<std::string>& words) {
  std::string text;
  for (const std::string& word : words) text += (text.empty() ? "" : "|") + word;
  return text;
}

size_t edit_distance(const std::string& a, const std::string& b) {
  std::vector<size_t> row(b.size() + 1);
  for (size_t j = 0; j <= b.size(); ++j) row[j] = j;
  for (size_t i = 1; i <= a.size(); ++i) {
    size_t diagonal = row[0]++;
    for (size_t j = 1; j <= b.size(); ++j) {
      const size_t above = row[j];
      row[j] = std::min({row[j] + 1, row[j - 1] + 1, diagonal + (a[i - 1] == b[j - 1] ? 0 : 1)});
      diagonal = above;
    }
  }
  return row.back();
}

// A switch stands alone: `--json file.mp4` means `--json=true` and a word. Boost would take the word for its value.
std::vector<std::string> with_switches_closed(std::vector<std::string> arguments, const std::vector<Option>& options) {
  for (std::string& argument : arguments) {
    const bool is_switch = std::any_of(options.begin(), options.end(), [&](const Option& option) {
      return std::holds_alternative<bool*>(option.target) && argument == "--" + option.name;
    });
    if (is_switch) argument += "=true";
  }
  return arguments;
}

po::options_description boost_description(const std::vector<Option>& options) {
  po::options_description description;
  for (const Option& option : options) {
    auto* value = po::value<std::string>();
    description.add_options()(option.name.c_str(), value);
  }
  return description;
}

}  // namespace

double number_of(const std::string& option, const std::string& text) {
  double value = 0;
  if (parse_number(text, &value)) return value;
  throw ConfigError("option '" + option + "' has the value '" + text + "', expected a number");
}

bool is_among(const std::string& option, const std::vector<std::string>& wanted) {
  return std::any_of(wanted.begin(), wanted.end(), [&](const std::string& name) {
    return name.ends_with('.') ? option.starts_with(name) : option == name;
  });
}

std::string nearest_name(const std::string& word, const std::vector<std::string>& candidates) {
  std::string best;
  size_t best_distance = std::max<size_t>(2, word.size() / 3) + 1;
  for (const std::string& candidate : candidates) {
    const size_t distance = edit_distance(word, candidate);
    if (distance < best_distance) {
      best_distance = distance;
      best = candidate;
    }
  }
  return best;
}

std::string Option::value() const {
  if (const auto* const* list = std::get_if<std::vector<std::string>*>(&target)) return joined(**list);
  std::ostringstream text;
  const auto write = [&](const auto* value) {
    if constexpr (!std::is_same_v<decltype(value), const std::vector<std::string>*>) text << std::boolalpha << *value;
  };
  std::visit(write, target);
  return text.str();
}

std::string Option::accepts() const { return choices.empty() ? type_name(target) : joined(choices); }

bool OptionSection::has(const Option& option) const {
  return prefix.empty() ? option.name.find('.') == std::string::npos : option.name.starts_with(prefix);
}

void OptionTable::section(const std::string& name, const std::string& help) {
  section_ = name.empty() ? "" : name + ".";
  sections_.push_back({section_, help});
}

void OptionTable::add(const std::string& name, OptionTarget target, const std::string& help,
                      std::vector<std::string> choices) {
  options_.push_back({section_ + name, target, help, std::move(choices)});
}

Option* OptionTable::find(const std::string& name) {
  const auto found = std::find_if(options_.begin(), options_.end(), [&](const Option& o) { return o.name == name; });
  return found == options_.end() ? nullptr : &*found;
}

bool OptionTable::is_set(const std::string& name) const {
  return std::any_of(options_.begin(), options_.end(),
                     [&](const Option& o) { return o.name == name && o.origin != "default"; });
}

void OptionTable::complain_of_unknown(const std::string& name, const std::string& origin) {
  std::vector<std::string> names;
  for (const Option& option : options_) names.push_back(option.name);
  const std::string near = nearest_name(name, names);
  faults_.push_back(origin + ": unknown option '" + name + "'" +
                    (near.empty() ? ": see permafrost VERB --help" : ": did you mean '" + near + "'?"));
}

void OptionTable::assign(const std::string& name, const std::string& text, const std::string& origin) {
  Option* option = find(name);
  if (option == nullptr) return complain_of_unknown(name, origin);
  bool fits = true;
  if (auto* const* target = std::get_if<std::string*>(&option->target)) {
    const auto& choices = option->choices;
    fits = choices.empty() || std::find(choices.begin(), choices.end(), text) != choices.end();
    if (fits) **target = text;
  } else if (auto* const* target = std::get_if<int64_t*>(&option->target)) {
    fits = parse_number(text, *target);
  } else if (auto* const* target = std::get_if<double*>(&option->target)) {
    fits = parse_number(text, *target);
  } else if (auto* const* target = std::get_if<bool*>(&option->target)) {
    fits = parse_bool(text, *target);
  } else if (auto* const* target = std::get_if<std::vector<std::string>*>(&option->target)) {
    if (option->origin != origin) (*target)->clear();
    (*target)->push_back(text);
  }
  option->origin = origin;
  if (fits) return;
  faults_.push_back(origin + ": option '" + name + "' is '" + text + "', expected " + option->accepts());
}

void OptionTable::read_config(const std::string& path) {
  std::istringstream text(read_text(path, 1 << 20));
  try {
    const auto parsed = po::parse_config_file(text, boost_description(options_), /*allow_unregistered=*/true);
    std::set<std::string> seen;
    for (const auto& item : parsed.options) {
      const Option* option = find(item.string_key);
      const bool is_list = option != nullptr && std::holds_alternative<std::vector<std::string>*>(option->target);
      if (!seen.insert(item.string_key).second && !is_list) {
        faults_.push_back(path + ": option '" + item.string_key + "' is given twice, expected once: remove one");
      }
      assign(item.string_key, item.value.empty() ? "" : item.value.front(), path);
    }
  } catch (const po::error& error) {
    faults_.push_back(path + ": " + error.what());
  }
}

std::vector<std::string> OptionTable::with_sections(std::vector<std::string> arguments,
                                                    const std::vector<std::string>& usable) const {
  for (std::string& argument : arguments) {
    if (!argument.starts_with("--")) continue;
    const std::string name = argument.substr(2, argument.find('=') - 2);
    std::vector<std::string> meant;
    for (const Option& option : options_) {
      if (!usable.empty() && !is_among(option.name, usable)) continue;
      if (option.name == name) meant = {"", ""};  // as it stands
      if (option.name.ends_with("." + name)) meant.push_back(option.name);
    }
    if (meant.size() == 1) argument.replace(2, name.size(), meant.front());
  }
  return arguments;
}

std::vector<std::string> OptionTable::read_arguments(const std::vector<std::string>& arguments,
                                                     const std::vector<std::string>& usable) {
  namespace style = po::command_line_style;
  std::vector<std::string> positional;
  try {
    const auto parsed = po::command_line_parser(with_switches_closed(with_sections(arguments, usable), options_))
                            .options(boost_description(options_))
                            .style(style::allow_long | style::long_allow_adjacent | style::long_allow_next)
                            .allow_unregistered()
                            .run();
    for (const auto& item : parsed.options) {
      if (item.position_key >= 0) {
        positional.insert(positional.end(), item.value.begin(), item.value.end());
      } else if (item.unregistered) {
        complain_of_unknown(item.string_key, "command line");
      } else {
        assign(item.string_key, item.value.empty() ? "" : item.value.front(), "command line");
      }
    }
  } catch (const po::error& error) {
    faults_.push_back(std::string("command line: ") + error.what());
  }
  return positional;
}

void OptionTable::finish() const {
  if (faults_.empty()) return;
  std::string text;
  for (const std::string& fault : faults_) text += (text.empty() ? "" : "\n") + fault;
  throw ConfigError(text);
}

std::string OptionTable::help(const std::vector<std::string>& only) const {
  const auto is_wanted = [&](const std::string& name) { return only.empty() || is_among(name, only); };
  std::ostringstream text;
  for (const OptionSection& section : sections_) {
    bool has_title = false;
    for (const Option& option : options_) {
      if (!section.has(option) || !is_wanted(option.name)) continue;
      if (!has_title) text << "\n" << section.title << "\n";
      has_title = true;
      std::string left = "  --" + option.name + " " + option.accepts();
      left.resize(std::max<size_t>(left.size() + 2, 44), ' ');
      const std::string value = option.value();
      text << left << option.help << (value.empty() ? "" : " [" + value + "]") << "\n";
    }
  }
  return text.str();
}

std::string OptionTable::print() const {
  std::ostringstream text;
  for (const Option& option : options_) {
    text << option.name << " = " << option.value() << "  # " << option.origin << "\n";
  }
  return text.str();
}

}  // namespace permafrost::core
