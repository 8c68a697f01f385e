# SPDX-License-Identifier: Apache-2.0
# Containers of LXC, booted.
needs="$needs lxc-start"
provider=lxc
hosted=/var/lib/lxc

tree() { echo "$hosted/$1/rootfs"; }
configure() {
  cat >"$hosted/$1/config" <<end
lxc.include = /usr/share/lxc/config/common.conf
lxc.uts.name = $1
lxc.rootfs.path = dir:$hosted/$1/rootfs
lxc.net.0.type = empty
lxc.apparmor.profile = unconfined
end
}
start() {
  quietly lxc-start -n "$1" -o "$work/console" -d -- /lib/systemd/systemd
  until [[ $(lxc-attach -n "$1" -- systemctl is-system-running --wait 2>/dev/null) =~ running|degraded ]]; do
    [ "$(lxc-info -n "$1" -sH)" = RUNNING ] || { cat "$work/console" >&2; fail "$1 does not boot"; }
    read -rt 0.2 <> <(:) || :
  done
}
inside() {
  local guest=$1
  shift
  lxc-attach -n "$guest" -- "$@"
}
halt() { quietly lxc-stop -n "$1"; }
