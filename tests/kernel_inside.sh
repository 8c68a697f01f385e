#!/bin/sh
# SPDX-License-Identifier: Apache-2.0
# kernel_inside.sh DISK SCRIPT [ARGUMENT...]: the first process of a kernel that tests/kernel.sh booted. Its root is this
# host's, read-only; DISK, an ext4, is /var/tmp, and all that is written elsewhere is in memory. It runs the script, and
# the line "EXIT:status" is the verdict: 0 where it ended well and the kernel had nothing to complain of.
export PATH=/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin HOME=/tmp LC_ALL=C
disk=$1
shift

mount -t proc proc /proc
mount -t sysfs sys /sys
mount -t devtmpfs dev /dev 2>/dev/null
mkdir -p /dev/shm /dev/pts
ln -sf /proc/self/fd /dev/fd
mount -t devpts devpts /dev/pts
for directory in /dev/shm /tmp /run; do mount -t tmpfs -o mode=1777 tmpfs "$directory"; done
mount -t ext4 -o "${options:-user_xattr}" "$disk" /var/tmp
cd /tmp || exit

# In the background: waiting for it, this shell buries whoever else dies. Its output is no terminal.
{ "$@" </dev/null 2>&1; echo $? >/run/status; } | cat &
wait $!
status=$(cat /run/status)
cd /
umount /var/tmp
complaints='WARNING:|BUG:|KASAN|INFO: (task|possible)|possible (circular|recursive)|lock held|EXT4-fs error|Oops|general protection'
if dmesg | grep -E "$complaints" >/run/complaints; then
  echo 'the kernel complains:'
  dmesg | grep -E -A 40 "$complaints" | head -n 200
  status=1
fi
echo "EXIT:$status"
/bin/busybox poweroff -f
