#!/bin/sh
# SPDX-License-Identifier: Apache-2.0
# A small guest with a dpkg of its own, and packages for it, in the root of a machine (tests/machine.sh); read in by who
# wants them.
# shellcheck disable=SC2154  # work

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
