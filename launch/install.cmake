# `cmake --install`: the program, and the package Permafrost for programs of one's own (tests/install is one).
include(GNUInstallDirs)
include(CMakePackageConfigHelpers)
set(package_directory ${CMAKE_INSTALL_LIBDIR}/cmake/Permafrost)
set(headers_directory ${CMAKE_INSTALL_INCLUDEDIR}/permafrost)

set(libraries permafrost_base permafrost_core permafrost_data permafrost_distributed permafrost_launch)
foreach(library IN LISTS libraries)
  target_include_directories(${library} INTERFACE $<INSTALL_INTERFACE:${headers_directory}>)
  target_compile_features(${library} PUBLIC cxx_std_20)
endforeach()
if(PERMAFROST_HAS_CUDA)
  list(APPEND libraries permafrost_kernels)
endif()
# Where this build found LibTorch, NCCL, CUDA, MPI and HDF5; those of the tree's own .venv CMake would leave out.
cmake_path(GET TORCH_ROOT PARENT_PATH site_packages)
set_target_properties(permafrost PROPERTIES INSTALL_RPATH_USE_LINK_PATH ON
                      INSTALL_RPATH "${TORCH_ROOT}/lib;${site_packages}/nvidia/nccl/lib")
set_target_properties(permafrost_launch PROPERTIES EXPORT_NAME permafrost)
install(TARGETS permafrost RUNTIME DESTINATION ${CMAKE_INSTALL_BINDIR})
install(TARGETS ${libraries} EXPORT PermafrostTargets ARCHIVE DESTINATION ${CMAKE_INSTALL_LIBDIR})
install(EXPORT PermafrostTargets NAMESPACE Permafrost:: DESTINATION ${package_directory})
foreach(folder core data distributed launch)
  install(DIRECTORY ${PROJECT_SOURCE_DIR}/${folder} DESTINATION ${headers_directory} FILES_MATCHING PATTERN "*.h")
endforeach()
install(DIRECTORY ${PROJECT_SOURCE_DIR}/data/dataset/labels DESTINATION ${CMAKE_INSTALL_DATADIR}/permafrost/dataset)
install(DIRECTORY ${PROJECT_SOURCE_DIR}/configs DESTINATION ${CMAKE_INSTALL_DATADIR}/permafrost FILES_MATCHING PATTERN "*.ini")

set(package_cuda OFF)
if(PERMAFROST_HAS_CUDA)
  set(package_cuda ON)
endif()
configure_package_config_file(launch/PermafrostConfig.cmake.in ${PROJECT_BINARY_DIR}/PermafrostConfig.cmake
                              INSTALL_DESTINATION ${package_directory} NO_SET_AND_CHECK_MACRO)
write_basic_package_version_file(${PROJECT_BINARY_DIR}/PermafrostConfigVersion.cmake COMPATIBILITY ExactVersion)
install(FILES ${PROJECT_BINARY_DIR}/PermafrostConfig.cmake ${PROJECT_BINARY_DIR}/PermafrostConfigVersion.cmake
              ${PROJECT_SOURCE_DIR}/core/libtorch.cmake DESTINATION ${package_directory})
