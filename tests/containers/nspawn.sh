# SPDX-License-Identifier: Apache-2.0
# systemd-nspawn: Debian's own unit, systemd-nspawn@.service, which says --boot -U; the settings decide on users.
unit=systemd-nspawn@one.service
as=0

settings() {  # settings LINE...
  mkdir -p "$host/etc/systemd/nspawn"
  printf '%s\n' "$@" >"$host/etc/systemd/nspawn/one.nspawn"
}
in_container() { in_host nsenter -t "$(in_host machinectl show -p Leader --value one)" -a "$@"; }
inside() { in_container "$@"; }

# And a command in place of a boot (-D).
try_nspawn() {
  settings '[Exec]' PrivateUsers=no
  holds booted
  show one
  expect "$(in_host systemd-run -q --pipe --wait systemd-nspawn -q --pipe -D "$hosted/one" cat /etc/hostname)" one 'systemd-nspawn -D'
  expect_breaks 0 'systemd-nspawn -D'
  hide one
}
# Without PrivateUsersOwnership=map a kernel before 6.12, which cannot shift owners of FUSE, has all files chowned.
try_nspawn_users() {
  settings '[Exec]' PrivateUsers=200000:65536 '[Files]' PrivateUsersOwnership=map
  as=200000
  holds booted
}
