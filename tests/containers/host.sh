# SPDX-License-Identifier: Apache-2.0
# The host: a systemd in a container of its own, with this machine's /usr and what is installed of vunify over it, with
# all capabilities, the filesystem of the guests, and /dev/fuse.

in_host() { nsenter -t "$leader" -a env -i PATH=/usr/sbin:/usr/bin LC_ALL=C "$@"; }
state_of() { in_host systemctl show -P "$1" "$2"; }  # state_of PROPERTY UNIT
start() {
  in_host systemctl start "$@" 2>"$work/log" && return
  in_host journalctl -o cat --no-pager -n 40 "${@/#/-u}" >&2
  fail "systemctl start $*"
}
stop() { quietly in_host systemctl stop "$@"; }

# As the host sees a guest: its mount, or where its tree lies.
tree() { echo "$hosted/$1"; }
at() {
  if [ -n "$leader" ] && in_host mountpoint -q "$hosted/$1"; then echo "/proc/$leader/root$hosted/$1"
  elif [ -d "$hosted/.vcow/$1" ]; then echo "$hosted/.vcow/$1"
  else tree "$1"; fi
}
unit_of() { if [ "$1" = two ]; then echo var-lib-machines-two.mount; else echo "vcow@var-lib-machines-$1.service"; fi; }
show() { for guest; do start "$(unit_of "$guest")"; done; }
# The process of vcow ends a moment after the mount.
hide() {
  for guest; do
    stop "$(unit_of "$guest")"
    quietly flock -w 20 "$hosted/.vcow/$guest" true
  done
}
night() {
  quietly in_host vunify --json --all
  files=$(jq .linked_files "$work/log")
}

install_programs() {
  quietly env DESTDIR="$work/installed" cmake --install "$build"
  for merged in lib sbin; do
    cp -a "$work/installed/$merged/." "$work/installed/usr/$merged/"
  done
}
furnish_host() {
  host=$work/host
  mkdir -p "$host"/{dev,proc,run,sys,tmp,root,usr/lib,"$hosted",var/lib/lxc/one,var/lib/vunify}
  for merged in bin sbin lib lib64; do ln -s "usr/$merged" "$host/$merged"; done
  cp /usr/lib/os-release "$host/usr/lib/"
  cp -a "$work/debian/etc" "$host/"
  rm -rf "$host"/etc/systemd/system/*.wants
  echo host >"$host/etc/hostname"
  echo "$hosted/two $hosted/two fuse.vcow defaults 0 0" >"$host/etc/fstab"
  for ids in subuid subgid; do echo root:200000:65536 >"$host/etc/$ids"; done
  cp -a "$here/containers/etc/." "$host/etc/"
}
# A host is the root of its cgroups, all of version 2.
enter_cgroup() {
  [ "$(stat -f -c %T /sys/fs/cgroup)" = cgroup2fs ] || { umount -R /sys/fs/cgroup; mount -t cgroup2 cgroup2 /sys/fs/cgroup; }
  mkdir "/sys/fs/cgroup/${work##*/}"
  echo $$ >"/sys/fs/cgroup/${work##*/}/cgroup.procs"
}
boot_host() {
  enter_cgroup
  systemd-nspawn -q --register=no --keep-unit --console=pipe --capability=all --system-call-filter="@keyring bpf" --private-network \
    --overlay-ro="/usr:$work/installed/usr:/usr" --bind="$hosted" --bind=/dev/fuse -b -D "$host" \
    >"$work/console" 2>&1 </dev/null &
  nspawn=$!
  until_so 'the host has booted' host_is_up
}
host_is_up() {
  kill -0 $nspawn || { cat "$work/console" >&2; fail 'the host does not boot'; }
  leader=$(cut -d ' ' -f 1 "/proc/$nspawn/task/$nspawn/children")
  [ -n "$leader" ] && [[ $(in_host systemctl is-system-running --wait 2>/dev/null) =~ running|degraded ]]
}
# All that it has mounted goes, and no vcow is left behind.
halt_host() {
  kill $nspawn
  wait $nspawn || :
  leader=
  for guest in "${guests[@]}"; do quietly flock -w 20 "$hosted/.vcow/$guest" true; done
}
