#!/bin/sh
# SPDX-License-Identifier: Apache-2.0
# What builds kernels from Debian's source package, with patches of kernel-cow/; read in by who wants one. It says $cache,
# which keeps them by what they are made of: patches, config, source and compiler.
# shellcheck disable=SC2034,SC2154  # kernel; cache

patches=$(cd "$(dirname "$0")/../kernel-cow" && pwd)

# source_key RELEASE FILE...
source_key() {
  release=$1
  shift
  { dpkg-query -W -f '${Version}\n' "linux-source-$release"; gcc --version | head -n 1; cat "$@"; } | sha256sum | cut -c 1-16
}

# unpack RELEASE DIRECTORY [OPTION...]: options of tar
unpack() {
  release=$1 into=$2
  shift 2
  rm -rf "$into"
  mkdir -p "$into"
  tar -C "$into" --strip-components=1 -xf "/usr/src/linux-source-$release.tar.xz" "$@"
}

# build_kernel NAME RELEASE ARCH TARGET CONFIG PATCH...: $kernel is the file.
build_kernel() {
  name=$1 release=$2 arch=$3 target=$4 config=$(realpath "$5")
  shift 5
  kernel=$cache/$name-$(source_key "$release" "$config" "$@")
  [ ! -f "$kernel" ] || return 0
  echo "building $kernel (minutes; what that says is in $cache/$name.log)"
  tree=$cache/$name.tree
  unpack "$release" "$tree"
  for patch; do patch -d "$tree" -p1 -F0 -s <"$patch"; done
  make_kernel >"$cache/$name.log" 2>&1 || { tail -n 20 "$cache/$name.log" >&2; return 1; }
  rm -f "$cache/$name"-*
  mv "$tree/$target" "$kernel"
  rm -rf "$tree"
}

make_kernel() {
  compiler=gcc
  ! command -v ccache >/dev/null || compiler='ccache gcc'
  make -C "$tree" ARCH="$arch" KCONFIG_ALLCONFIG="$config" allnoconfig &&
    make -C "$tree" ARCH="$arch" CC="$compiler" -j "$(nproc)" "$target"
}

# In the cache, for of the directories of the host some are covered in a machine.
make_cowtest() { gcc -O2 -static -o "$cache/cowtest" "$patches"/cowtest*.c; }
