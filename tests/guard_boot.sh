#!/bin/sh
# SPDX-License-Identifier: Apache-2.0
# guard_boot.sh DEB CACHE: vguard.service as the package brings it, in a Debian with systemd and a stock kernel that qemu
# boots: guests share under the guard, and after a reboot they are guarded before anything ordinary is started; in a
# kernel without it the unit fails, and says what is wanted. CACHE keeps the kernel.
# shellcheck disable=SC1091,SC2034,SC2154  # machine.sh and two_guests.sh want some of these, and say others
set -eu
deb=$1 cache=$2
here=$(cd "$(dirname "$0")" && pwd)
kernel=linux-image-6.12-cloud-amd64

. "$here/machine.sh"
. "$here/two_guests.sh"

# The first of alternatives, and no versions.
needed() { dpkg-deb -f "$deb" Depends | sed 's/([^)]*)//g; s/|[^,]*//g; s/ //g'; }

make_debian() {
  tree=$work/root
  bootstrap "$tree" "systemd-sysv,dbus,$(needed)"
  cp "$deb" "$tree/vunify.deb"
  chroot "$tree" dpkg -i /vunify.deb
  chroot "$tree" systemctl enable vguard.service
  chroot "$tree" systemctl mask serial-getty@ttyS0.service getty@tty1.service
  for guest in a b; do
    mkdir -p "$tree/vservers/$guest/usr"
    cp -a "$tree/usr/bin" "$tree/vservers/$guest/usr/"
  done
  cp "$here/guard_booted.sh" "$tree/booted.sh"
  cat >"$tree/etc/systemd/system/guest.service" <<'end'
[Service]
Type=oneshot
RemainAfterExit=yes
ExecStart=/bin/true
end
  cat >"$tree/etc/systemd/system/booted.service" <<'end'
[Unit]
Wants=guest.service
After=guest.service

[Service]
Type=idle
ExecStart=/bin/sh /booted.sh

[Install]
WantedBy=multi-user.target
end
  chroot "$tree" systemctl enable booted.service
  mke2fs -q -t ext4 -d "$tree" "$work/root.img" 2G
}

fetch_kernel
take_modules virtio_pci virtio_blk ext4
make_debian >"$work/made" 2>&1 || { cat "$work/made" >&2; exit 1; }
make_init /sbin/init
boot_with=lsm=lockdown,yama,landlock,bpf
boot_and_see shared "$work/root.img"
boot_and_see rebooted "$work/root.img"
boot_with=lsm=lockdown,yama,landlock
boot_and_see 'without bpf' "$work/root.img"
