# Defines permafrost_torch: LibTorch from TORCH_ROOT, with CUDA and NCCL or without, and PERMAFROST_HAS_CUDA.
# The wheel's own CMake package wants a CUDA toolkit in any case, so both flavours link its libraries by name.
if(NOT PERMAFROST_CUDA STREQUAL "OFF")
  find_package(CUDAToolkit QUIET)
endif()
if(PERMAFROST_CUDA STREQUAL "ON" AND NOT CUDAToolkit_FOUND)
  message(FATAL_ERROR "PERMAFROST_CUDA=ON but no CUDA toolkit was found: install it, or use AUTO or OFF")
endif()
if(PERMAFROST_CUDA STREQUAL "ON" AND NOT EXISTS "${TORCH_ROOT}/lib/libtorch_cuda.so")
  message(FATAL_ERROR "PERMAFROST_CUDA=ON but ${TORCH_ROOT}/lib has no libtorch_cuda.so: "
                      "install the wheel of LibTorch with CUDA, or use AUTO or OFF")
endif()
set(PERMAFROST_HAS_CUDA FALSE)
if(CUDAToolkit_FOUND AND EXISTS "${TORCH_ROOT}/lib/libtorch_cuda.so")
  set(PERMAFROST_HAS_CUDA TRUE)
endif()

file(READ ${TORCH_ROOT}/version.py torch_version_text)
if(NOT torch_version_text MATCHES "'${PIN_TORCH_VERSION}[+']")
  message(FATAL_ERROR "LibTorch in ${TORCH_ROOT} is not the pinned ${PIN_TORCH_VERSION}: run launch/setup.sh")
endif()

add_library(permafrost_torch INTERFACE)
target_include_directories(permafrost_torch SYSTEM INTERFACE
  ${TORCH_ROOT}/include ${TORCH_ROOT}/include/torch/csrc/api/include)
target_compile_definitions(permafrost_torch INTERFACE USE_DISTRIBUTED USE_C10D)
set(torch_libraries torch_cpu c10)
if(PERMAFROST_HAS_CUDA)
  list(APPEND torch_libraries torch_cuda c10_cuda)
  # The wheel's NCCL, not the toolkit's: LibTorch was built against it.
  cmake_path(GET TORCH_ROOT PARENT_PATH site_packages)
  set(nccl_root ${site_packages}/nvidia/nccl)
  target_include_directories(permafrost_torch SYSTEM INTERFACE ${nccl_root}/include ${CUDAToolkit_INCLUDE_DIRS})
  target_compile_definitions(permafrost_torch INTERFACE USE_C10D_NCCL)
  target_link_libraries(permafrost_torch INTERFACE ${nccl_root}/lib/libnccl.so.2 CUDA::cudart)
endif()
# The CUDA libraries register themselves when loaded, and no symbol of ours need name them.
target_link_options(permafrost_torch INTERFACE -Wl,--no-as-needed)
foreach(library IN LISTS torch_libraries)
  target_link_libraries(permafrost_torch INTERFACE ${TORCH_ROOT}/lib/lib${library}.so)
endforeach()
message(STATUS "LibTorch ${PIN_TORCH_VERSION} in ${TORCH_ROOT}, CUDA and NCCL: ${PERMAFROST_HAS_CUDA}")
