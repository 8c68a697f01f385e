#!/bin/sh
# SPDX-License-Identifier: Apache-2.0
# kernel_x86.sh BIN CACHE: the races, of the patch and of vunify under iunlink, where two processors run and the kernel
# looks at its own locks and memory (lockdep, KASAN): Debian's kernel with kernel-cow, emulated by qemu. As root, and slow.
set -eu
bin=$1 cache=$2
here=$(cd "$(dirname "$0")" && pwd)
limit=5400 accel=tcg,thread=multi

. "$here/machine.sh"
. "$here/kernel_build.sh"
. "$here/uml.sh"

build_kernel x86 6.12 x86_64 vmlinux "$patches/x86-debug.config" "$patches/linux-6.12.patch"
make_cowtest
scratch x86 8G
# Its root is this host's, as that of User-Mode Linux is.
# shellcheck disable=SC2046  # words
run_machine -m 3072 -kernel "$kernel" $(drive "$work/x86.img") \
  -virtfs local,path=/,mount_tag=host,security_model=none,readonly=on,multidevs=remap \
  -append "console=ttyS0 loglevel=5 panic=-1 no_timer_check root=host rootfstype=9p \
rootflags=trans=virtio,version=9p2000.L,cache=loose ro init=$here/kernel_inside.sh -- /dev/vda \
$here/kernel_races.sh $bin $cache/cowtest"
grep -q '^EXIT:0$' "$work/log" || { echo 'kernel: FAILED' >&2; exit 1; }
