#!/bin/sh
# SPDX-License-Identifier: Apache-2.0
# guard_booted.sh: what tests/guard_boot.sh runs at the end of each boot.
exec >/dev/ttyS0 2>&1
failed=0
holds() {
  fact=$1
  shift
  if said=$("$@" 2>&1); then echo "ok: $fact"; else echo "NOT OK: $fact: $said"; failed=1; fi
}
not() { ! "$@"; }
says() { echo "$1" | grep -q "$2"; }

# Microseconds since the kernel started.
active_since() { systemctl show -P ActiveEnterTimestampMonotonic "$1"; }
begun_at() { systemctl show -P ExecMainStartTimestampMonotonic "$1"; }

end_with() {
  [ $failed = 0 ] && echo "$1: all is as it should be"
  sync
  systemctl poweroff --force
  exit
}

state=$(systemctl is-active vguard.service)
status=$(vguard status)
echo "vguard.service is $state; vguard status: $status"
if ! grep -q bpf /sys/kernel/security/lsm; then
  holds 'the unit has failed' [ "$state" = failed ]
  holds 'its journal has the cure' says "$(journalctl -u vguard -o cat --no-pager)" 'boot it with lsm='
  holds 'the host is up all the same' systemctl -q is-active multi-user.target
  holds 'status says how many stand unguarded' says "$status" 'stand unguarded'
  end_with 'without bpf'
fi
holds 'the unit is up' [ "$state" = active ]
holds 'before anything ordinary was started' [ "$(active_since vguard)" -lt "$(begun_at guest)" ]
if [ ! -e /var/lib/vunify/index ]; then
  holds 'nothing is guarded yet' says "$status" '^loaded: 0 files'
  holds 'two guests are unified' vunify -q --protect=guard /vservers/a /vservers/b
  end_with 'shared'
fi
holds 'hundreds of files are guarded' says "$status" '^loaded: [0-9][0-9][0-9] '
holds 'none stands unguarded' vguard status
holds 'a guest cannot write to what it shares' not sh -c 'echo x >>/vservers/a/usr/bin/dpkg'
holds 'they share' [ /vservers/a/usr/bin/dpkg -ef /vservers/b/usr/bin/dpkg ]
end_with 'rebooted'
