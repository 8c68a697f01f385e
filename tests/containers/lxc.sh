# SPDX-License-Identifier: Apache-2.0
# LXC: Debian's own unit, lxc@.service.
unit=lxc@one.service
as=0

# Its rules for devices are those of cgroups of version 1, which this host has not, though its kernel may.
configure() {  # configure LINE...
  cat >"$host/var/lib/lxc/one/config" <<end
lxc.include = /usr/share/lxc/config/common.conf
lxc.uts.name = one
lxc.rootfs.path = dir:$hosted/one
lxc.net.0.type = empty
lxc.apparmor.profile = unconfined
lxc.init.cmd = /usr/lib/systemd/systemd
lxc.cgroup.devices.deny =
lxc.cgroup.devices.allow =
end
  printf '%s\n' "$@" >>"$host/var/lib/lxc/one/config"
}
inside() { in_host lxc-attach -n one -- "$@"; }

try_lxc() {
  configure
  holds booted
}
try_lxc_users() {
  configure 'lxc.include = /usr/share/lxc/config/userns.conf' 'lxc.idmap = u 0 200000 65536' \
    'lxc.idmap = g 0 200000 65536' 'lxc.rootfs.options = idmap=container'
  as=200000
  holds booted
}
