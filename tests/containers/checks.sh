# SPDX-License-Identifier: Apache-2.0
# What holds of the guest one, whoever runs it. A kind has: unit, which runs it; as, whom its root is on the host; and
# inside COMMAND..., which runs one in it.

breaks_of() {
  in_host vcow list --json | jq --arg point "$hosted/$1" '.[] | select(.mountpoint == $point) | .links_broken'
}
expect_breaks() { expect "$(breaks_of one)" "$1" "links broken, after $2"; }  # expect_breaks COUNT WHAT

# One that all three have, and nobody of them has written to.
a_shared_file() { (cd "$hosted/.vcow/one" && find usr/lib -xdev -type f -links 3 -perm 644 -print -quit); }

is_booted() {
  [ "$(state_of ActiveState "$unit")" = active ] || { in_host journalctl -o cat --no-pager -n 40 -u "$unit" >&2; fail "$unit has ended"; }
  [[ $(inside systemctl is-system-running --wait 2>/dev/null) =~ running|degraded ]]
}
expect_booted() {
  until_so 'the guest has booted' is_booted
  echo "booted: $(inside systemctl is-system-running), $(inside systemctl list-units --type=service --state=running --no-legend | wc -l) services"
  inside systemctl --failed --no-legend
}

expect_on_vcow() {
  local root
  root=$(inside grep ' / / ' /proc/self/mountinfo)
  [[ $root == *' fuse.vcow '* ]] || fail "its root: $root"
  expect "$(inside awk 'NR == 1 { print $2 }' /proc/self/uid_map)" "$as" 'its root is, on the host'
  if [ "$as" != 0 ]; then [[ $root == *idmapped* ]] || fail "its root: $root"; fi
  expect "$(inside stat -c '%u %g' /etc/passwd)" '0 0' 'the owner of its files, as it sees them'
}
expect_reading_breaks_nothing() {
  local bytes
  bytes=$(inside sh -c 'find / -xdev -type f -exec cat {} + 2>/dev/null | wc -c')
  [ "$bytes" -gt 100000000 ] || fail "it could read $bytes bytes"
  expect_breaks 0 "its start, and $bytes bytes read"
}
expect_a_write_breaks_one() {
  local shared
  shared=$(a_shared_file)
  inside sh -ec "echo mine >>/$shared; touch /root/made; chown 33:34 /root/made"
  expect "$(tail -n 1 "$hosted/.vcow/one/$shared")" mine 'what was written'
  expect "$(stat -c '%u %g %h' "$hosted/.vcow/one/$shared")" '0 0 1' 'owner and links of what was written to'
  expect "$(stat -c '%u %g' "$hosted/.vcow/one/root/made")" '33 34' 'the owner that the guest gave'
  expect_breaks 1 'a write'
  inside rm /root/made
}

holds() {  # holds [booted]
  start "$unit"
  in_host mountpoint -q "$hosted/one" || fail "$unit runs, and nothing is mounted"
  until_so "it runs" inside true
  [ "${1:-}" != booted ] || expect_booted
  expect_on_vcow
  expect_reading_breaks_nothing
  expect_a_write_breaks_one
  stop "$unit"
  hide one
  echo "$unit: its root is $as on the host; nothing but a write broke a link"
}
