// The bodies of decode_bodies.h on a GPU.
#pragma once

#include "data/cache/decode_bodies.h"

namespace permafrost::data {

// On the current device and stream; returns at once. Throws c10::Error where the launch fails, ConfigError where the
// program was built without CUDA.
template <class Body>
void run_on_gpu(const Body& body);

}  // namespace permafrost::data
