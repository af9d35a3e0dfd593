#include "launch/manual.h"

#include <sstream>

namespace permafrost::launch {
namespace {

// Text that roff takes for nothing else. Hyphens are those that are typed.
std::string plain(const std::string& text) {
  std::string escaped;
  for (const char c : text) {
    if (c == '\\') {
      escaped += "\\e";
    } else if (c == '-') {
      escaped += "\\-";
    } else if (c == '\'' || c == '.') {
      escaped += std::string("\\&") + c;  // a request at the start of a line
    } else {
      escaped += c;
    }
  }
  return escaped;
}

std::string option_entry(const core::Option& option) {
  const std::string value = option.value();
  std::string entry = ".TP\n\\fB\\-\\-" + plain(option.name) + "\\fR";
  if (!option.is_switch()) entry += " \\fI" + plain(option.accepts()) + "\\fR";
  entry += "\n" + plain(option.help);
  if (!option.is_switch() && !value.empty()) entry += " (" + plain(value) + ")";
  return entry + "\n";
}

// The verbs that use it, where not all do.
std::string users_of(const core::Option& option, const std::vector<Verb>& verbs) {
  std::string users;
  size_t count = 0;
  for (const Verb& verb : verbs) {
    if (!core::is_among(option.name, options_of(verb))) continue;
    users += (users.empty() ? "" : ", ") + verb.name;
    ++count;
  }
  return count == verbs.size() ? "" : ".br\nOf: " + users + "\n";
}

}  // namespace

std::string manual_page(const std::vector<Verb>& verbs, const core::OptionTable& table, const std::string& version) {
  std::ostringstream text;
  text << ".TH PERMAFROST 1 \"\" \"permafrost " << plain(version) << "\"\n"
       << ".SH NAME\npermafrost \\- trains video models on frozen image features (DiST)\n"
       << ".SH SYNOPSIS\n\\fBpermafrost\\fR \\fIVERB\\fR [\\fB\\-\\-config\\fR \\fIFILE.ini\\fR] "
       << "[\\fB\\-\\-section.option\\fR \\fIVALUE\\fR ...]\n"
       << ".SH VERBS\n";
  for (const Verb& verb : verbs) {
    text << ".SS " << verb.name << "\n"
         << plain(verb.summary) << ".\n.PP\n.nf\npermafrost " << plain(verb.name + verb.usage)
         << "\n.fi\n.PP\nExample:\n"
         << ".PP\n.nf\n    " << plain(verb.example) << "\n.fi\n";
  }
  text << ".SH OPTIONS\nA later source wins over an earlier one: default, config file, command line. A section may be "
          "left "
          "out of a name that no other section of the verb has. In brackets: the default.\n";
  for (const core::OptionSection& section : table.sections()) {
    text << ".SS " << plain(section.title) << "\n";
    for (const core::Option& option : table.options()) {
      if (section.has(option)) text << option_entry(option) << users_of(option, verbs);
    }
  }
  text << ".SH EXIT STATUS\n"
          ".TP\n0\ndone\n"
          ".TP\n1\nsomething failed; the last line says what, and what to do\n"
          ".TP\n2\nthe command line or the config is wrong\n"
          ".TP\n75\nstopped in good order by a signal: the same command goes on\n";
  return text.str();
}

}  // namespace permafrost::launch
