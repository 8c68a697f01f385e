# SPDX-License-Identifier: Apache-2.0
# A guest with users of its own is booted, and upgraded from inside by its own package manager, while the host has its
# nights, by the unit; the others are shown meanwhile.
. "$here/containers/nspawn.sh"

nights_while() {  # nights_while PROCESS: says in nights how many
  nights=0
  while kill -0 "$1" 2>/dev/null; do
    start vunify.service
    expect "$(state_of ExecMainStatus vunify.service)" 0 'the exit code of a night'
    nights=$((nights + 1))
  done
  wait "$1" || fail 'the upgrade failed'
}
expect_packages_whole() {
  for guest in "${guests[@]}"; do
    verify "$guest" >"$work/wrong" 2>&1 || :
    [ ! -s "$work/wrong" ] || { cat "$work/wrong" >&2; fail "packages of $guest"; }
  done
  echo 'dpkg -V has nothing to say in any of them'
}
# In /usr, of the guest that was changed. What its packages brought that is newer than the others' stays its own.
shared_files() { (cd "$hosted/.vcow/one" && find usr -xdev -type f -links +1 | wc -l); }

try_life() {
  settings '[Exec]' PrivateUsers=200000:65536 '[Files]' PrivateUsersOwnership=map
  as=200000
  local before meanwhile running now
  before=$(shared_files)
  start "$unit"
  expect_booted
  expect_on_vcow
  (
    work=$(mktemp -d -p "$work")
    inside() { in_container "${@:2}"; }  # as nights/debian.sh says it
    change one
  ) &
  nights_while $!
  expect_booted
  expect "$(breaks_of two),$(breaks_of three)" 0,0 'links broken in the others'
  in_host vcow list | grep -A 3 "^$hosted/one$"
  meanwhile=$(shared_files)
  night
  running=$(shared_files)
  # Reinstalled as it was (nights/debian.sh).
  expect "$(stat -c %h "$hosted/.vcow/one/usr/bin/env")" 3 'names of what a night can share again while all run'
  expect_as_they_were two three
  stop "$unit"
  expect_packages_whole
  echo "$nights nights while it was upgraded: every file of the others is as it was"

  hide "${guests[@]}"
  remember one
  night
  now=$(shared_files)
  echo "shared files in /usr: $before before, $meanwhile after the upgrade, $running after a night in which all ran, $now after one in which none did"
  [ "$running" -ge "$meanwhile" ] && [ "$now" -ge "$running" ] && [ "$now" -ge "$at_least" ] || fail "too few"
  expect_as_they_were one
  night
  expect "$files" 0 'what a night links in which nothing changed'
  show two three
}
