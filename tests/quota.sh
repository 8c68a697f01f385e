#!/bin/sh
# SPDX-License-Identifier: Apache-2.0
# quota.sh BIN CACHE: the kernel's own limits, which need a kernel that has them. A stock Debian one is booted in qemu, with
# neither network nor anything of this host but programs, and runs tests/quota_inside.sh. CACHE keeps the kernel.
set -eu
bin=$1 cache=$2
here=$(dirname "$0")
kernel=linux-image-6.12-cloud-amd64  # of Debian 12's own security archive; older ones have no passthrough

. "$here/machine.sh"

# A package with files that guests share.
make_package() {
  tree=$work/package
  mkdir -p "$tree/DEBIAN" "$tree/usr/share/demo"
  for n in $(seq 40); do yes "$n of version ${1##*.}" | head -c 50000 >"$tree/usr/share/demo/$n"; done
  printf 'Package: demo\nVersion: %s\nArchitecture: all\nMaintainer: x <x@localhost>\nDescription: x\n' "$1" \
    >"$tree/DEBIAN/control"
  find "$tree" -exec touch -d 2026-01-01 {} +
  dpkg-deb --root-owner-group -Znone -b "$tree" "$work/root/guest/demo_$1.deb" >/dev/null
}

# What dpkg wants to see, no more.
make_guest() {
  guest=$work/root/guest
  mkdir -p "$guest/var/lib/dpkg/info" "$guest/var/lib/dpkg/updates" "$guest/tmp" "$guest/dev" "$guest/etc" "$guest/bin" \
    "$guest/usr/bin" "$guest/sbin" "$guest/usr/sbin"
  take "$guest" dash dpkg dpkg-deb dpkg-split dpkg-query tar rm diff ldconfig start-stop-daemon mv ln mkdir cat dd cp \
    truncate touch chmod head mknod mkfifo
  [ -e "$guest/bin/sh" ] || cp "$(command -v dash)" "$guest/bin/sh"
  mkdir -p "$guest/usr/share/base"
  for n in 1 2; do yes "$n" | head -c 300000 >"$guest/usr/share/base/$n"; done
  : >"$guest/var/lib/dpkg/status"
  : >"$guest/etc/ld.so.conf"
}

make_root() {
  begin_root "$here/quota_inside.sh"
  PATH=$bin:$PATH take "$work/root" vcow vunify vdlimit vdu chxid mkfs.ext4 mkfs.xfs xfs_quota chattr lsattr tune2fs strace jq \
    setpriv flock find dpkg tar
  make_guest
  make_package 1
  make_package 2
  mke2fs -q -t ext4 -O ^has_journal -d "$work/root" "$work/root.img" 400M >/dev/null
}

fetch_kernel
take_modules virtio_blk quota_v2 xfs
make_root
make_init
truncate -s 400M "$work/ext4.img" "$work/xfs.img"
boot "$work/root.img" "$work/ext4.img" "$work/xfs.img"
[ "$(grep -c 'all is as it should be$' "$work/log")" = 2 ] || { echo 'quota: FAILED' >&2; exit 1; }
