# SPDX-License-Identifier: Apache-2.0
# Machines of systemd-nspawn, booted.
needs="$needs systemd-nspawn nsenter"
provider=nspawn
hosted=/var/lib/machines

tree() { echo "$hosted/$1"; }
configure() { :; }
start() {
  systemd-nspawn -q --register=no --keep-unit --console=pipe -b -D "$(tree "$1")" >"$work/console" 2>&1 </dev/null &
  nspawn=$!
  until [[ $(enter_it systemctl is-system-running --wait 2>/dev/null) =~ running|degraded ]]; do
    kill -0 $nspawn 2>/dev/null || { cat "$work/console" >&2; fail "$1 does not boot"; }
    read -rt 0.2 <> <(:) || :
  done
}
enter_it() { nsenter -t "$(cut -d ' ' -f 1 "/proc/$nspawn/task/$nspawn/children")" -a "$@"; }
# By its first process, with what that may.
inside() {
  shift
  enter_it systemd-run -q --pipe --wait "$@"
}
halt() {
  kill $nspawn
  wait $nspawn || :
}
