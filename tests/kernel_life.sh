#!/bin/sh
# SPDX-License-Identifier: Apache-2.0
# kernel_life.sh BIN: two whole Debian guests, unified by a kernel that has kernel-cow. One is lived in: packages are
# installed anew and upgraded, a user made, files edited, a database written. Checked: every file of the other is as it
# was. Run in User-Mode Linux by tests/kernel.sh, on an image that has the guests.
set -eu
export PATH="$1:$PATH"
stage=/var/tmp tree=/var/tmp root=/tmp
. "$(dirname "$0")/two_guests.sh"

live() {
  in_one sh -ec 'dpkg -i /var/cache/apt/archives/*.deb >/tmp/dpkg 2>&1 || { cat /tmp/dpkg; exit 1; }'
  in_one dpkg -i /demo_2.deb
  in_one grep -q '1 of version 2' /usr/share/demo/1
  in_one figlet iunlink
  live_alone
}

title 'unified'
unify --json >"$root/report"
grep -o '"protection":"iunlink"' "$root/report"
at_first=$(shared)
image two >"$root/before"

title 'one of them is lived in'
live
expect_as_it_was
expect_packages_whole

title 'unified again'
meanwhile=$(shared)
unify
echo "shared: $at_first inodes at first, $meanwhile after all that, $(shared) now"
[ "$meanwhile" -lt "$at_first" ]
[ "$(shared)" -ge $((at_first - 100)) ]
title 'all holds'
