# SPDX-License-Identifier: Apache-2.0
# What systemd makes of the mounts themselves.
. "$here/containers/nspawn.sh"

main_of() { state_of MainPID "$1"; }
is_another() { [ "$(main_of "$2")" != "$1" ] && [ "$(state_of ActiveState "$2")" = active ]; }  # is_another PROCESS UNIT
is_alive() { in_host test -e "/proc/$1"; }
is_dead() { ! in_host cat "$hosted/$1/etc/hostname" >/dev/null 2>&1; }
is_gone() { ! is_alive "$1"; }

# A unit that says RequiresMountsFor= has the mount of fstab brought along, and waits for it.
expect_fstab_ordered() {
  hide two
  expect "$(in_host systemd-run -q --pipe --wait -p RequiresMountsFor="$hosted/two" cat "$hosted/two/etc/hostname")" two \
    'what a unit sees that wants the mount'
  in_host mountpoint -q "$hosted/two" || fail 'not mounted by fstab'
  echo 'RequiresMountsFor= brings the mount of fstab along'
}
# By its name, with options of its own.
expect_named() {
  hide three
  mkdir -p "$host/etc/systemd/system/vcow@three.service.d"
  printf '[Service]\nEnvironment="VCOW_OPTIONS=-o noatime"\n' >"$host/etc/systemd/system/vcow@three.service.d/options.conf"
  in_host systemctl daemon-reload
  start vcow@three
  [[ $(in_host findmnt -no OPTIONS "$hosted/three") == *noatime* ]] || fail 'its options are not those of the unit'
  stop vcow@three
  show three
  echo 'vcow@NAME, with VCOW_OPTIONS, shows the guest of that name'
}
# A mount of fstab whose vcow was killed is dead until its unit is restarted.
expect_fstab_mended() {
  in_host kill -KILL "$(in_host vcow list --json | jq --arg point "$hosted/two" '.[] | select(.mountpoint == $point) | .pid')"
  until_so 'its end' is_dead two
  quietly in_host systemctl restart "$(unit_of two)"
  expect "$(in_host cat "$hosted/two/etc/hostname")" two 'what is mounted anew'
  echo 'a dead mount of fstab is mended by a restart of its unit'
}
# Killed, it is mounted anew, and the guest that requires it starts anew on the new mount.
expect_restarted() {
  settings '[Exec]' PrivateUsers=no
  start systemd-nspawn@one
  expect_booted
  local vcow guest began=$SECONDS
  vcow=$(main_of "$(unit_of one)") guest=$(main_of systemd-nspawn@one)
  in_host systemctl kill --kill-whom=main -s KILL "$(unit_of one)"
  until_so 'another vcow' is_another "$vcow" "$(unit_of one)"
  until_so 'the guest runs again' is_another "$guest" systemd-nspawn@one
  expect_booted
  expect_on_vcow
  stop systemd-nspawn@one
  hide one
  echo "vcow was killed: the guest runs again, on another, after $((SECONDS - began)) s"
}
# Stopped while somebody is in there, it goes from its place, and he keeps what he has until he goes.
expect_stopped_gently() {
  local vcow sitter
  vcow=$(main_of "$(unit_of three)")
  quietly in_host systemd-run -q --unit=sitter -p WorkingDirectory="$hosted/three/etc" sleep infinity
  sitter=$(main_of sitter.service)
  in_host systemctl stop "$(unit_of three)" 2>/dev/null
  ! in_host mountpoint -q "$hosted/three" || fail 'stopped, and mounted still'
  expect "$(in_host cat "/proc/$sitter/cwd/hostname")" three 'what somebody sees who stayed'
  is_alive "$vcow" || fail 'nobody serves him'
  stop sitter.service
  until_so 'its end' is_gone "$vcow"
  in_host systemctl reset-failed "$(unit_of three)" 2>/dev/null || :
  show three
  echo 'stopped while in use, it serves until it is not'
}

as=0
try_units() {
  expect_named
  expect_fstab_ordered
  expect_fstab_mended
  expect_restarted
  expect_stopped_gently
}
