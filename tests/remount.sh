#!/bin/sh
# SPDX-License-Identifier: Apache-2.0
# remount.sh BIN CACHE: what becomes of a guest whose worker is killed where the kernel sends nothing again (before Linux
# 6.9). Debian 12's own is booted in qemu, and runs tests/remount_inside.sh. CACHE keeps the kernel.
set -eu
bin=$1 cache=$2
here=$(dirname "$0")
kernel=linux-image-cloud-amd64

. "$here/machine.sh"

fetch_kernel
take_modules virtio_pci virtio_blk fuse
begin_root "$here/remount_inside.sh"
PATH=$bin:$PATH take "$work/root" vcow vunify mkfs.ext4 pgrep
mke2fs -q -t ext4 -O ^has_journal -d "$work/root" "$work/root.img" 200M >/dev/null
make_init
truncate -s 100M "$work/ext4.img"
boot "$work/root.img" "$work/ext4.img"
grep -q 'all is as it should be$' "$work/log" || { echo 'remount: FAILED' >&2; exit 1; }
