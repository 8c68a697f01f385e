#!/bin/sh
# SPDX-License-Identifier: Apache-2.0
# guard_cost.sh BIN CACHE: what the guard costs a program that reads: instructions a call, without it and with it, in a
# stock Debian kernel that qemu emulates with a clock that counts instructions (-icount): the same on each machine, however
# busy. CACHE keeps the kernel.
# shellcheck disable=SC1091,SC2034,SC2154  # machine.sh wants some of these, and says others
set -eu
bin=$1 cache=$2
here=$(cd "$(dirname "$0")" && pwd)
kernel=linux-image-6.12-cloud-amd64

. "$here/../tests/machine.sh"

cat >"$work/inside.sh" <<'end'
. /machine_inside.sh
mount -t securityfs securityfs /sys/kernel/security
mount -t bpf bpf /sys/fs/bpf
echo x >/srv/file
guard_tries --time /srv/file >/dev/null # what a young kernel has still to do
echo "instructions, without the guard: $(guard_tries --time /srv/file)"
vguard load || poweroff -f
echo "instructions, with it: $(guard_tries --time /srv/file)"
poweroff -f
end
cp "$here/../tests/machine_inside.sh" "$work/"
fetch_kernel
take_modules virtio_pci virtio_blk ext4
begin_root "$work/inside.sh"
PATH=$bin:$PATH take "$work/root" vguard guard_tries
mke2fs -q -t ext4 -d "$work/root" "$work/root.img" 200M 2>/dev/null >&2
make_init
boot_with=lsm=bpf machine_with='-icount shift=0,sleep=off'
boot "$work/root.img" >/dev/null
grep -a -o 'instructions, .*' "$work/log" | sed 's/ ns//g' >"$work/said"
cat "$work/said"
[ "$(wc -l <"$work/said")" = 2 ] || { cat "$work/log" >&2; exit 1; }
