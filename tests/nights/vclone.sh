# SPDX-License-Identifier: Apache-2.0
# The first boot of a clone: another machine-id, other keys, its own name; and its source is as it was.
identity() {  # identity GUEST: what makes it this one guest
  cat "$(at "$1")/etc/machine-id"
  ssh-keygen -lf "$(at "$1")/etc/ssh/ssh_host_ed25519_key.pub" | cut -d ' ' -f 2
}

expect_identity_of_its_own() {
  local one new
  mapfile -t one < <(identity one)
  mapfile -t new < <(identity new)
  local both="${one[*]} ${new[*]}"
  [[ $both =~ ^[0-9a-f]{32}\ SHA256:.*\ [0-9a-f]{32}\ SHA256: ]] || fail "no identities: $both"
  for line in 0 1; do [ "${one[line]}" != "${new[line]}" ] || fail "both are ${one[line]}"; done
}

first_boot() {  # first_boot PROTECTION
  guests=(one two)
  populate "$1"
  show one
  start one  # so that it has lived
  halt one
  hide one
  night
  remember "${guests[@]}"
  run vclone one new
  grep -q '^reported  *etc/hostname' "$work/log" || fail 'the name of the old one is not told of'
  echo new >"$(at new)/etc/hostname"
  cmp -s "$(at one)/bin/bash" "$(at new)/bin/bash" || fail 'no clone'

  show new
  start new
  quietly inside new ssh-keygen -A  # as vclone says
  quietly inside new systemctl is-active cron
  [ "$(inside new hostname)" = new ] || fail 'its name'
  halt new
  hide new
  expect_identity_of_its_own
  expect_as_they_were "${guests[@]}"
  guests=(one two new)
  night
  expect_packages_whole
  echo "$1, ${filesystem[$1]}: the clone has booted, with a machine-id and keys of its own; its source is as it was"
}
