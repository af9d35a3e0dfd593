#include "launch/report/page.h"

#include "launch/report/markup.h"
#include "launch/report/page_assets.h"

namespace permafrost::launch {

std::string page(const std::string& title, const std::string& body) {
  std::string policy = "default-src 'none'; style-src 'unsafe-inline'; script-src '" + script_digest() +
                       "'; base-uri 'none'; form-action 'none'";
  return "<!doctype html>\n<html lang=\"en\">\n<head>\n<meta charset=\"utf-8\">\n"
         "<meta http-equiv=\"Content-Security-Policy\" content=\"" +
         policy +
         "\">\n<meta name=\"viewport\" content=\"width=device-width, initial-scale=1\">\n"
         "<meta name=\"color-scheme\" content=\"light dark\">\n<title>" +
         escape(title) + "</title>\n<style>" + std::string(kStyle) + "</style>\n</head>\n<body>\n" + body + "<script>" +
         std::string(kScript) + "</script>\n</body>\n</html>\n";
}

}  // namespace permafrost::launch
