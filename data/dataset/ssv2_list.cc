// Something-Something v2: a JSON list of {"id", "template"}, the template with its placeholders in brackets.
#include <nlohmann/json.hpp>

#include "core/base/error.h"
#include "data/dataset/list_format.h"

namespace permafrost::data {
namespace {

using Json = nlohmann::json;

std::string text_of(const Json& object, const char* key) {
  const auto at = object.find(key);
  if (at == object.end()) return "";
  if (at->is_number_integer()) return std::to_string(at->get<int64_t>());
  return at->is_string() ? at->get<std::string>() : "";
}

// "Holding [something] next to [something]" -> the class as the label list spells it.
std::string class_of(std::string text) {
  std::erase_if(text, [](char c) { return c == '[' || c == ']'; });
  return text;
}

ListedVideo read_item(const Json& item, const std::string& source, const ListInput& input) {
  if (!item.is_object()) return bad_line(source, "expected an object with an id and a template");
  ListedVideo video;
  video.source = source;
  video.id = text_of(item, "id");
  video.split = input.split;
  const std::string why = why_not_text(video.id + text_of(item, "template"));
  if (video.id.empty() || !why.empty())
    return bad_line(source, "its id or its template " + (why.empty() ? "is missing" : why));
  if (!why_hostile(video.id).empty())
    reject(video, "hostile path", "the id '" + video.id + "' " + why_hostile(video.id));
  set_label(video, class_of(text_of(item, "template")), input);
  if (!video.is_rejected()) find_by_stem(video, {video.id}, input);
  return video;
}

}  // namespace

std::vector<ListedVideo> read_ssv2_list(const ListInput& input) {
  std::string text;
  for (const std::string& line : input.lines) text += line + "\n";
  const Json list = Json::parse(text, nullptr, /*allow_exceptions=*/false);
  if (!list.is_array()) {
    throw core::DataError(input.path + ": expected a JSON list of {\"id\", \"template\"}, found something else");
  }
  std::vector<ListedVideo> videos;
  for (size_t i = 0; i < list.size(); ++i) {
    videos.push_back(read_item(list[i], input.path + ":item " + std::to_string(i + 1), input));
  }
  return videos;
}

}  // namespace permafrost::data
