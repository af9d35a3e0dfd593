// What every thread of this process is doing: the last words of one that hangs.
//
//   log_error() << stacks_of_threads();
//
// Each thread is interrupted by a signal (SIGRTMIN + 5), writes down where it is, and goes on. Meant for a process that
// is about to end: calls of the system may come back early, with EINTR.
#pragma once

#include <string>

namespace permafrost::core {

// Several lines; threads in the same place together. The calling thread is left out. One call at a time.
std::string stacks_of_threads();

}  // namespace permafrost::core
