#!/bin/bash
# SPDX-License-Identifier: Apache-2.0
# booted.sh TREE DEB: the units and the timer of the package in a Debian that is booted in systemd-nspawn. TREE has systemd,
# dbus and what the package depends on, and is thrown away (tests/fresh.sh).
set -eu
tree=$1
cp "$2" "$tree/vunify.deb"

fail() { echo "booted: $*" >&2; exit 1; }
expect() { [ "$1" = "$2" ] || fail "$3: '$1', not '$2'"; }

# All capabilities, as a host has them: the unit gives up what it does not need.
systemd-nspawn -q --register=no --keep-unit --capability=all --bind=/dev/fuse --console=pipe -b -D "$tree" >"$tree/console" 2>&1 </dev/null &
nspawn=$!
trap 'kill $nspawn; wait $nspawn || :' EXIT

leader() { cat "/proc/$nspawn/task/$nspawn/children"; }
in_it() { nsenter -t "$(leader | cut -d ' ' -f 1)" -a "$@"; }
until [[ $(in_it systemctl is-system-running --wait 2>/dev/null) =~ running|degraded ]]; do
  kill -0 $nspawn 2>/dev/null || { cat "$tree/console" >&2; fail 'does not boot'; }
  read -rt 0.2 <> <(:) || :
done

# unit_runs PROTECTION: over the two guests, in place of all that this host has.
unit_runs() {
  in_it mkdir -p /run/systemd/system/vunify.service.d
  # shellcheck disable=SC2016  # its own $0
  in_it sh -c 'printf "[Service]\nExecStart=\nExecStart=/usr/sbin/vunify -q --protect=$0 /guests/a /guests/b\n" \
    >/run/systemd/system/vunify.service.d/guests.conf' "$1"
  in_it systemctl daemon-reload
  in_it systemctl start vunify.service || { in_it journalctl -u vunify -o cat --no-pager >&2; fail "the unit, $1"; }
}
ended() { in_it systemctl show -P "$1" vunify.service; }
# Or it has ended before it was seen.
begin_a_run() {
  in_it systemctl start --no-block vunify.service
  until in_it vunify --status | grep -q 'holds the lock' || [ "$(ended ActiveState)" = inactive ]; do :; done
}
names() { stat -c %h "$tree/guests/$1/usr/bin/dpkg"; }

step() { printf -- '-- %s\n' "$*"; }

step 'the timer is on, and systemd likes them all'
in_it dpkg -i /vunify.deb >"$tree/log" 2>&1 || { cat "$tree/log" >&2; fail 'dpkg -i'; }
expect "$(in_it systemctl is-active vunify.timer)" active 'the timer'
expect "$(in_it systemd-analyze verify --man=no vunify.service vunify.timer vfleet.service vguard.service \
  vcow.service vcow@guests-a.service 2>&1)" '' 'systemd-analyze verify'
in_it systemd-analyze security vunify.service --no-pager | tail -n 1

step 'the unit unifies, under its hardening'
mkdir -p "$tree/guests/a/usr"
cp -a "$tree/usr/bin" "$tree/usr/lib" "$tree/guests/a/usr"
cp -a "$tree/guests/a" "$tree/guests/b"
unit_runs immutable
expect "$(names a)" 2 'immutable guests'

step 'and adopted guests'
in_it vunify -q -R /guests/a /guests/b
in_it vcow adopt /guests/a /guests/b
unit_runs cow
expect "$(names .vcow/a)" 2 'adopted guests'

step 'an adopted guest is shown by its unit, which is up once it is, and mounted anew where it was killed'
# Read, for the kernel tells what it knows of a dead one's files, too.
is_shown() { in_it mountpoint -q /guests/a && in_it grep -q ELF /guests/a/usr/bin/dpkg; }
server() { in_it systemctl show -P MainPID vcow@guests-a; }
is_another() { [ "$(server)" != "$1" ] && in_it systemctl -q is-active vcow@guests-a; }
in_it systemctl start vcow@guests-a
is_shown || fail 'up, and not shown'
first=$(server)
expect "$(in_it readlink "/proc/$first/exe")" /usr/sbin/vcow 'whom systemd watches'
in_it systemctl kill --kill-whom=main -s KILL vcow@guests-a
until is_another "$first"; do read -rt 0.2 <> <(:) || :; done
is_shown || fail 'killed, up again, and not shown'
in_it systemctl stop vcow@guests-a
expect "$(in_it systemctl is-failed vcow@guests-a)" inactive 'a guest that was stopped'
in_it mountpoint -q /guests/a && fail 'stopped, and still shown'
expect "$(names .vcow/a)" 2 'shown and not written to'

step 'what is used is kept after the night, also after one that was done in part'
in_it mkdir -p /etc/vservers/a
in_it ln -s /guests/a /etc/vservers/a/vdir
night_ends_with() {
  in_it rm -f /var/lib/vunify/history
  # shellcheck disable=SC2016  # its own $0
  in_it sh -c 'printf "[Service]\nExecStart=\nExecStart=/bin/sh -c \"exit $0\"\n" \
    >/run/systemd/system/vunify.service.d/guests.conf' "$1"
  in_it systemctl daemon-reload
  in_it systemctl start vunify.service 2>"$tree/log" || :
}
for night in 0 1; do
  night_ends_with $night
  in_it vplan | grep -q '/.*: .* used, .* free; .*, 1 sample since' || fail "no sample after a night that ended with $night"
done
night_ends_with 5
in_it vplan | grep -q 'no sample yet' || fail 'a sample after a night that could not be'
in_it rm -r /etc/vservers/a
unit_runs cow

step 'it is stopped, and finishes what it has begun'
in_it vunify -q -R /guests/a /guests/b
begin_a_run
in_it systemctl stop vunify.service 2>"$tree/log"
expect "$(ended Result)" success 'the unit that was stopped'
in_it vunify --status | grep -q 'of an interrupted run' && fail 'something is half done'

step 'another run is ahead of it'
in_it flock /var/lib/vunify/lock systemctl start vunify.service
expect "$(ended Result), $(ended ExecMainStatus)" 'success, 4' 'the second run'

step 'a run is at work when the package goes'
begin_a_run
in_it dpkg -P vunify >"$tree/log" 2>&1 || { cat "$tree/log" >&2; fail 'dpkg -P'; }
expect "$(in_it systemctl is-active vunify.timer)" inactive 'the timer'
expect "$(in_it find / -xdev -path /guests -prune -o -name '*vunify*' ! -path /vunify.deb -print)" '' 'what is left'
