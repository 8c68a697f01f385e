#!/bin/busybox sh
# shellcheck shell=dash disable=SC1091,SC2034,SC2154  # of another machine
# SPDX-License-Identifier: Apache-2.0
# machine_inside.sh: what scripts in a machine of tests/machine.sh begin with. failed is 1 once something is not as it
# should be.
busybox mount -t proc proc /proc
busybox --install -s /bin
. /where
export PATH=$bin:/usr/sbin:/usr/bin:/sbin:/bin HOME=/ LC_ALL=C
mount -t devtmpfs dev /dev
mount -t sysfs sys /sys
mount -t tmpfs tmp /tmp
mount -t tmpfs run /run

failed=0
ok() { echo "ok: $*"; }
bad() { echo "NOT OK: $*"; failed=1; }
# holds FACT COMMAND...: what it says is shown where it fails.
holds() {
  fact=$1
  shift
  if said=$("$@" 2>&1); then ok "$fact"; else bad "$fact: $said"; fi
}
