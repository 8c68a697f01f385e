#!/bin/sh
# SPDX-License-Identifier: Apache-2.0
# guard.sh BIN CACHE [6.1]: the guard, which needs a kernel with BPF LSM. A stock Debian one, 6.12 or 6.1, is booted in
# qemu, with neither network nor anything of this host but programs, and runs tests/guard_inside.sh: without bpf, locked
# down, and twice with the guard, the second time with the disks exchanged. CACHE keeps the kernel. What kills programs at
# a step lies beside BIN.
# shellcheck disable=SC1091,SC2034,SC2154  # machine.sh wants some of these, and says others
set -eu
bin=$1 cache=$2
here=$(dirname "$0")
kernel=linux-image-6.12-cloud-amd64
[ "${3:-}" != 6.1 ] || kernel=linux-image-cloud-amd64

. "$here/machine.sh"
. "$here/machine_guest.sh"

make_root() {
  begin_root "$here/guard_inside.sh"
  PATH=$bin:$PATH take "$work/root" vguard vunify guard_tries setpriv unify_test mkfs.ext4 mkfs.xfs find sha256sum jq dpkg tar \
    touch rm lsattr
  preload=$(dirname "$bin")/tests/libcrash_before.so
  mkdir -p "$work/root/var/tmp" "$work/root/$(dirname "$preload")"
  cp "$preload" "$work/root/$preload"
  printf 'preload=%s setpriv=%s\n' "$preload" "$(command -v setpriv)" >>"$work/root/where"
  make_guest
  make_package 1
  make_package 2
  mke2fs -q -t ext4 -O ^has_journal -d "$work/root" "$work/root.img" 900M >/dev/null
}

fetch_kernel
take_modules virtio_pci virtio_blk ext4 xfs loop
make_root
make_init
truncate -s 400M "$work/ext4.img" "$work/xfs.img"
boot_with=lsm=lockdown,yama,landlock
boot_and_see 'without bpf' "$work/root.img" "$work/ext4.img" "$work/xfs.img"
boot_with='lsm=lockdown,yama,landlock,bpf lockdown=confidentiality'
boot_and_see 'locked down' "$work/root.img" "$work/ext4.img" "$work/xfs.img"
boot_with=lsm=lockdown,yama,landlock,bpf
limit=1800
boot_and_see 'first boot' "$work/root.img" "$work/ext4.img" "$work/xfs.img"
boot_with="$boot_with lockdown=integrity"
boot_and_see 'second boot' "$work/root.img" "$work/xfs.img" "$work/ext4.img"
