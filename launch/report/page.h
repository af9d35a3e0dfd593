// The frame of the page: head, style, script and security policy around a body.
//
//   std::string html = page("Report of runs/a", body);   // the title is escaped here, the body is HTML
#pragma once

#include <string>

namespace permafrost::launch {

std::string page(const std::string& title, const std::string& body);

}  // namespace permafrost::launch
