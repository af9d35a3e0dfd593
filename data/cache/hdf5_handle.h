// The HDF5 C library behind owning handles, one lock and one throwing macro.
//
//   Hdf5Lock lock;   // first, so that every handle below is closed before it is let go
//   Hdf5File file(HDF5_TRY(H5Fopen(path.c_str(), H5F_ACC_RDONLY, access.get())));
//   HDF5_TRY(H5Fflush(file.get(), H5F_SCOPE_GLOBAL));
//
// Included by .cc files alone. The library is used under the lock only, because it may have been built without one.
#pragma once

#include <hdf5.h>

#include <mutex>
#include <string>

#include "core/base/unique_handle.h"

namespace permafrost::data {

// Holds the library for this thread, and keeps it from printing its errors.
class Hdf5Lock {
 public:
  Hdf5Lock();

 private:
  std::lock_guard<std::mutex> guard_;
};

// Logs where a handle of kind `kind` could not be closed.
void close_hdf5(hid_t handle, herr_t (*close)(hid_t), const char* kind);

#define PERMAFROST_HDF5_HANDLE(Name, close_function)                                           \
  struct Name##Traits {                                                                        \
    using Handle = hid_t;                                                                      \
    static Handle invalid() { return H5I_INVALID_HID; }                                        \
    static void close(Handle handle) { close_hdf5(handle, &close_function, #close_function); } \
  };                                                                                           \
  using Name = core::UniqueHandle<Name##Traits>

PERMAFROST_HDF5_HANDLE(Hdf5File, H5Fclose);
PERMAFROST_HDF5_HANDLE(Hdf5Group, H5Gclose);
PERMAFROST_HDF5_HANDLE(Hdf5Dataset, H5Dclose);
PERMAFROST_HDF5_HANDLE(Hdf5Dataspace, H5Sclose);
PERMAFROST_HDF5_HANDLE(Hdf5Datatype, H5Tclose);
PERMAFROST_HDF5_HANDLE(Hdf5Attribute, H5Aclose);
PERMAFROST_HDF5_HANDLE(Hdf5Properties, H5Pclose);

#undef PERMAFROST_HDF5_HANDLE

// Throws IoError with the call, the library's innermost message, and the line.
[[noreturn]] void throw_hdf5(const char* call, const char* file, int line);

// Every call of the library says by a negative result that it failed.
template <class Result>
Result check_hdf5(Result result, const char* call, const char* file, int line) {
  if (result < 0) throw_hdf5(call, file, line);
  return result;
}

}  // namespace permafrost::data

#define HDF5_TRY(call) ::permafrost::data::check_hdf5((call), #call, __FILE__, __LINE__)
