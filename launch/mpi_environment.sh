# Sourced by our scripts: settings of OpenMPI under which a plain `mpirun -np N` does what a user of one machine means.
# shellcheck shell=bash
export OMPI_MCA_hwloc_base_binding_policy=none   # bound, all threads of a rank would share one core
export OMPI_MCA_rmaps_base_oversubscribe=1       # more ranks than cores is fine for trying things
if [ "$(id -u)" -eq 0 ]; then
  export OMPI_ALLOW_RUN_AS_ROOT=1 OMPI_ALLOW_RUN_AS_ROOT_CONFIRM=1
fi
