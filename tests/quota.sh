#!/bin/sh
# SPDX-License-Identifier: Apache-2.0
# quota.sh BIN CACHE: the kernel's own limits, which need a kernel that has them. A stock Debian one is booted in qemu, with
# neither network nor anything of this host but programs, and runs tests/quota_inside.sh. CACHE keeps the kernel.
set -eu
bin=$1 cache=$2
here=$(dirname "$0")
kernel=linux-image-6.12-cloud-amd64  # of Debian 12's own security archive; older ones have no passthrough

. "$here/machine.sh"
. "$here/machine_guest.sh"

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
