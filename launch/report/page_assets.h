// The style and the script that every page carries.
//
//   html += "<style>" + std::string(kStyle) + "</style><script>" + std::string(kScript) + "</script>";
//   policy += "script-src '" + script_digest() + "'";
#pragma once

#include <string>
#include <string_view>

namespace permafrost::launch {

extern const std::string_view kStyle;
extern const std::string_view kScript;

// "sha256-BASE64" of kScript: with it in the policy no other script of the page may run, whatever a file name holds.
std::string script_digest();

}  // namespace permafrost::launch
