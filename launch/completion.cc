#include "launch/completion.h"

#include <algorithm>
#include <sstream>

namespace permafrost::launch {
namespace {

std::string joined(const std::vector<std::string>& words) {
  std::string text;
  for (const std::string& word : words) text += (text.empty() ? "" : " ") + word;
  return text;
}

std::vector<std::string> names_of(const std::vector<Verb>& verbs) {
  std::vector<std::string> names;
  for (const Verb& verb : verbs) names.push_back(verb.name);
  return names;
}

std::vector<core::Option> usable_options(const Verb& verb, const core::OptionTable& table) {
  const std::vector<std::string> usable = options_of(verb);
  std::vector<core::Option> options;
  for (const core::Option& option : table.options()) {
    if (core::is_among(option.name, usable)) options.push_back(option);
  }
  return options;
}

// "--cache.codec|--codec": the second where no other option ends so.
std::string spellings_of(const core::Option& option, const core::OptionTable& table) {
  const std::string shortened = option.name.substr(option.name.rfind('.') + 1);
  const auto ends_so = [&](const core::Option& other) {
    return other.name == shortened || other.name.ends_with("." + shortened);
  };
  const bool is_unique = std::count_if(table.options().begin(), table.options().end(), ends_so) == 1;
  return "--" + option.name + (is_unique && shortened != option.name ? "|--" + shortened : "");
}

// Between single quotes, in a description of _arguments or _describe.
std::string for_zsh(const std::string& text) {
  std::string escaped;
  for (const char c : text) {
    if (c == '\'') {
      escaped += "'\\''";
    } else if (c == '[' || c == ']' || c == ':' || c == '\\') {
      escaped += std::string("\\") + c;
    } else {
      escaped += c;
    }
  }
  return escaped;
}

std::string zsh_argument(const core::Option& option) {
  const bool is_list = std::holds_alternative<std::vector<std::string>*>(option.target);
  std::string line = "'" + std::string(is_list ? "*" : "") + "--" + option.name + "[" + for_zsh(option.help) + "]";
  if (option.is_switch()) return line + "'";
  if (!option.choices.empty()) return line + ":value:(" + joined(option.choices) + ")'";
  return line + ":" + option.accepts() + ":_files'";
}

}  // namespace

std::string bash_completion(const std::vector<Verb>& verbs, const core::OptionTable& table) {
  std::ostringstream text;
  text << "# bash completion of permafrost; made by: permafrost completion bash\n"
          "_permafrost() {\n"
          "  local word=${COMP_WORDS[COMP_CWORD]} before=${COMP_WORDS[COMP_CWORD-1]} words=\n"
          "  if ((COMP_CWORD == 1)); then\n"
          "    words=\""
       << joined(names_of(verbs))
       << " --help --version\"\n"
          "  else\n"
          "    case $before in\n";
  for (const core::Option& option : table.options()) {
    if (option.choices.empty()) continue;
    text << "      " << spellings_of(option, table) << ") words=\"" << joined(option.choices) << "\" ;;\n";
  }
  text << "      *)\n"
          "        case ${COMP_WORDS[1]} in\n";
  for (const Verb& verb : verbs) {
    text << "          " << verb.name << ")\n";
    if (!verb.actions.empty()) text << "            ((COMP_CWORD == 2)) && words=\"" << joined(verb.actions) << "\"\n";
    text << "            [[ $word == -* ]] && words=\"";
    for (const core::Option& option : usable_options(verb, table)) text << "--" << option.name << " ";
    text << "\"\n            ;;\n";
  }
  text << "        esac ;;\n"
          "    esac\n"
          "  fi\n"
          "  mapfile -t COMPREPLY < <(compgen -W \"$words\" -- \"$word\")\n"
          "}\n"
          "complete -o default -F _permafrost permafrost\n";
  return text.str();
}

std::string zsh_completion(const std::vector<Verb>& verbs, const core::OptionTable& table) {
  std::ostringstream text;
  text << "#compdef permafrost\n"
          "# zsh completion of permafrost; made by: permafrost completion zsh\n"
          "_permafrost() {\n"
          "  local -a verbs=(\n";
  for (const Verb& verb : verbs) text << "    '" << verb.name << ":" << for_zsh(verb.summary) << "'\n";
  text << "  )\n"
          "  if ((CURRENT == 2)); then\n"
          "    _describe verb verbs\n"
          "    return\n"
          "  fi\n"
          "  local verb=$words[2]\n"
          "  shift words\n"
          "  ((CURRENT--))\n"
          "  case $verb in\n";
  for (const Verb& verb : verbs) {
    text << "    " << verb.name << ")\n      _arguments";
    for (const core::Option& option : usable_options(verb, table)) text << " \\\n        " << zsh_argument(option);
    if (!verb.actions.empty()) text << " \\\n        '1:action:(" << joined(verb.actions) << ")'";
    text << " \\\n        '*:file:_files'\n      ;;\n";
  }
  text << "  esac\n"
          "}\n"
          "_permafrost \"$@\"\n";
  return text.str();
}

}  // namespace permafrost::launch
