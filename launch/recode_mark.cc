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

bool begin_recode(const std::string& directory, const std::string& identity) {
  const bool is_own = has_mark(directory) && core::read_text(mark_path(directory)) == identity;
  if (is_own && data::has_index(directory)) {  // all that was left to do
    end_recode(directory);
    return false;
  }
  if (is_own) return true;
  if (has_cache(directory)) {
    throw core::DataError(directory + ": holds a cache already: give another folder as --out, or delete it first");
  }
  if (data::has_shards(directory)) {
    throw core::DataError(directory + ": holds shards of another cache that is not complete: end that one, give " +
                          "another folder as --out, or delete it first");
  }
  core::publish_text(mark_path(directory), identity);
  return true;
}

void end_recode(const std::string& directory) { core::remove_file(mark_path(directory)); }

void require_no_recode(const std::string& directory) {
  if (!has_mark(directory) || has_cache(directory)) return;
  throw core::DataError(directory + ": a recode into it is not complete: start that again, give another folder as " +
                        "--out, or delete it first");
}

}  // namespace permafrost::launch
