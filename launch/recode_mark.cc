#include "launch/recode_mark.h"

#include <filesystem>

#include "core/base/error.h"
#include "core/base/file.h"
#include "data/cache/cache_index.h"

namespace permafrost::launch {
namespace {

std::string mark_path(const std::string& directory) { return directory + "/.recode"; }

bool has_mark(const std::string& directory) { return std::filesystem::exists(mark_path(directory)); }

bool has_cache(const std::string& directory) { return data::has_index(directory) || data::has_copy(directory); }

}  // namespace

void begin_recode(const std::string& directory, const std::string& identity) {
  if (has_cache(directory)) {
    throw core::DataError(directory + ": holds a cache already: give another folder as --out, or delete it first");
  }
  if (has_mark(directory) && core::read_text(mark_path(directory)) == identity) return;
  if (data::has_shards(directory)) {
    throw core::DataError(directory + ": holds shards of another cache that is not complete: end that one, give " +
                          "another folder as --out, or delete it first");
  }
  core::publish_text(mark_path(directory), identity);
}

void end_recode(const std::string& directory) { std::filesystem::remove(mark_path(directory)); }

void require_no_recode(const std::string& directory) {
  if (!has_mark(directory) || has_cache(directory)) return;
  throw core::DataError(directory + ": a recode into it is not complete: start that again, give another folder as " +
                        "--out, or delete it first");
}

}  // namespace permafrost::launch
