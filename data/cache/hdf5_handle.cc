#include "data/cache/hdf5_handle.h"

#include <exception>
#include <string_view>

#include "core/base/error.h"
#include "core/base/log.h"

namespace permafrost::data {
namespace {

// The library is kept from tidying up at the program's end: every handle is closed by its owner, and a file that a full
// disk kept from being closed makes it crash there.
std::mutex& hdf5_mutex() {
  static std::mutex mutex;
  [[maybe_unused]] static const herr_t is_kept = H5dont_atexit();
  return mutex;
}

herr_t take_first(unsigned, const H5E_error2_t* error, void* text) {
  auto& message = *static_cast<std::string*>(text);
  if (message.empty() && error->desc != nullptr) message = error->desc;
  return 0;
}

// Of "file write failed: time = ..., errno = 28, error message = 'No space left on device', buf = ..." the system's
// part.
std::string system_text(const std::string& message) {
  constexpr std::string_view kBefore = "error message = '";
  const size_t begin = message.find(kBefore);
  if (begin == std::string::npos) return message;
  const std::string text = message.substr(begin + kBefore.size());
  return text.substr(0, text.find('\''));
}

std::string innermost_message() {
  std::string message;
  H5Ewalk2(H5E_DEFAULT, H5E_WALK_UPWARD, &take_first, &message);
  H5Eclear2(H5E_DEFAULT);
  return message.empty() ? "no message of the library" : system_text(message);
}

}  // namespace

// The error stack is the thread's in some builds of the library, so printing is turned off by every thread.
Hdf5Lock::Hdf5Lock() : guard_(hdf5_mutex()) { H5Eset_auto2(H5E_DEFAULT, nullptr, nullptr); }

void close_hdf5(hid_t handle, herr_t (*close)(hid_t), const char* kind) {
  // While an exception is on its way, it says what went wrong.
  if (close(handle) < 0 && std::uncaught_exceptions() == 0)
    core::log_error() << kind << " failed: " << innermost_message();
}

void throw_hdf5(const char* call, const char* file, int line) {
  const std::string_view path(file);
  const std::string_view name = path.substr(path.rfind('/') + 1);
  throw core::IoError(std::string(call) + ": " + innermost_message() + " (" + std::string(name) + ":" +
                      std::to_string(line) + ")");
}

}  // namespace permafrost::data
