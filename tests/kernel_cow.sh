#!/bin/sh
# SPDX-License-Identifier: Apache-2.0
# kernel_cow.sh COWTEST: the tests of the patch itself, on ext4, mounted anew meanwhile, and on tmpfs; in a kernel that
# tests/kernel.sh or tests/kernel_x86.sh booted.
set -eu
disk=$(sed -n 's|^\([^ ]*\) /var/tmp .*|\1|p' /proc/mounts)
mkdir /var/tmp/cow /run/cow
"$1" /var/tmp/cow
umount /var/tmp
mount -t ext4 "$disk" /var/tmp
"$1" /var/tmp/cow again
"$1" /run/cow
