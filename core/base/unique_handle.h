// Owns one handle of a C library and closes it exactly once.
//
//   struct H5FileTraits { using Handle = hid_t; static Handle invalid() { return -1; } static void close(Handle h); };
//   UniqueHandle<H5FileTraits> file(H5Fopen(...));
//
// Traits::close must not throw: it runs in destructors, so it logs.
#pragma once

#include <utility>

namespace permafrost::core {

template <class Traits>
class UniqueHandle {
 public:
  using Handle = typename Traits::Handle;

  UniqueHandle() = default;
  explicit UniqueHandle(Handle handle) : handle_(handle) {}
  UniqueHandle(UniqueHandle&& other) noexcept : handle_(other.release()) {}
  UniqueHandle& operator=(UniqueHandle&& other) noexcept {
    if (this != &other) reset(other.release());
    return *this;
  }
  ~UniqueHandle() { reset(); }

  Handle get() const { return handle_; }
  bool is_valid() const { return handle_ != Traits::invalid(); }
  Handle release() { return std::exchange(handle_, Traits::invalid()); }
  void reset(Handle handle = Traits::invalid()) {
    if (is_valid()) Traits::close(handle_);
    handle_ = handle;
  }

 private:
  Handle handle_ = Traits::invalid();
};

}  // namespace permafrost::core
