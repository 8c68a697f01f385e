#!/bin/busybox sh
# shellcheck shell=dash disable=SC1091,SC2154  # of another machine
# SPDX-License-Identifier: Apache-2.0
# guard_inside.sh: what tests/guard.sh runs in the machine: without bpf among the LSMs, and then with it. Guests of ext4
# and XFS share under the guard, live on, and find all as it was after a reboot.
. /machine_inside.sh

# ends FACT STATUS WORD COMMAND...: with that status, and that word in what it says.
ends() {
  fact=$1 want=$2 word=$3
  shift 3
  said=$("$@" 2>&1)
  status=$?
  case "$status $said" in "$want "*"$word"*) ok "$fact: $said" ;; *) bad "$fact: status $status: $said" ;; esac
}
same() { if [ "$2" = "$3" ]; then ok "$1: $2"; else bad "$1: $2, and not $3"; fi; }
not() { ! "$@"; }

vunify() { command vunify --progress=none --state "$fs/state" "$@"; }
vguard() { verb=$1; shift; command vguard "$verb" --state "$fs/state" "$@"; }
guarded() { vguard status --json | jq .guarded; }
inode() { stat -c %i "$fs/$1"; }
is_shared() { [ "$fs/a/$1" -ef "$fs/b/$1" ]; }
in_guest() { guest=$1; shift; chroot "$fs/$guest" /bin/sh -c "$*"; }
hash_of() { (cd "$fs/$1" && find . -type f ! -path './var/*' -exec sha256sum {} + | sort | sha256sum); }

make_guests() {
  mkdir -m 700 "$fs/state"
  for guest in a b c d; do
    cp -a /guest "$fs/$guest"
    mkdir -p "$fs/$guest/dev"
    mknod "$fs/$guest/dev/null" c 1 3
    holds "$kind: dpkg installs in $guest" chroot "$fs/$guest" dpkg -i /demo_1.deb
  done
}

# What cannot be loaded is told in a line, and nothing is changed.
without_bpf() {
  fs=/tmp
  mkdir -p /tmp/a /tmp/b /tmp/state
  ends 'status without bpf' 1 'boot it with lsm=' vguard status
  ends 'load without bpf' 3 'boot it with lsm=' vguard load
  holds 'nothing is pinned' not test -e /sys/fs/bpf/vunify
}

# The guard of a guest's root, and one of another version.
try_refused() {
  ends "$kind: not without its capabilities" 3 'CAP_BPF' \
    "$setpriv" --bounding-set=-bpf,-sys_admin,-perfmon vguard load --state "$fs/state"
  guard_tries --foreign "$fs"
  ends "$kind: not beside another version's" 3 'of another vunify' vguard load
  ends "$kind: which is none that is loaded" 1 'not loaded' vguard status
  ends "$kind: and keeps nothing for us" 3 'vguard load' vunify --protect=guard -q "$fs/a" "$fs/b"
  command vguard unload
  holds "$kind: nothing is pinned" not test -e /sys/fs/bpf/vunify
}

try_unloaded() {
  ends "$kind: status says what to do" 1 'not loaded: vguard load' vguard status
  ends "$kind: nothing is shared by a guard that is not loaded" 3 'vguard load' vunify --protect=guard -q "$fs/a" "$fs/b"
  holds "$kind: and nothing is" not is_shared usr/share/base/1
}

try_load() {
  echo "$kind: without: $(guard_tries --time "$fs/a/usr/share/base/1")"
  ends "$kind: it is loaded" 0 'guard loaded: 0 files guarded' vguard load
  ends "$kind: and again" 0 'guard loaded' vguard load
  ends "$kind: its loader is gone, it stays" 0 'loaded: 0 files' vguard status
}

try_sharing() {
  holds "$kind: guests are unified under the guard" vunify -q --protect=guard "$fs/a" "$fs/b"
  holds "$kind: they share" is_shared usr/share/base/1
  holds "$kind: what they share carries no flag" sh -c "lsattr '$fs/a/usr/share/base/1' | grep -qv '^[^ ]*i'"
  same "$kind: auto is the guard" "$(vunify --json "$fs/c" "$fs/d" | jq -r '.guests[0].protection')" guard
  same "$kind: and so it is in a dry run" "$(vunify -n --json "$fs/c" "$fs/d" | jq -r '.guests[0].protection')" guard
  holds "$kind: $(guarded) files are guarded" [ "$(guarded)" -gt 40 ]
  holds "$kind: the next night finds nothing to do, and nothing wrong" vunify -q "$fs/a" "$fs/b" "$fs/c" "$fs/d"
}

try_writes() {
  before=$(hash_of b)
  holds "$kind: no way to write" guard_tries "$fs/a/usr/share/base/1"
  ends "$kind: a guest's root is refused" 2 'not permitted' in_guest a 'echo x >>/usr/share/base/1'
  ends "$kind: and his chmod" 1 'not permitted' in_guest a 'chmod 600 /usr/share/base/1'
  holds "$kind: what replaces it works" in_guest a 'cp /usr/share/base/2 /usr/share/base/new && mv /usr/share/base/new /usr/share/base/2'
  holds "$kind: dpkg upgrades a" chroot "$fs/a" dpkg -i /demo_2.deb
  holds "$kind: and removes" chroot "$fs/a" dpkg -r demo
  same "$kind: b is as it was" "$(hash_of b)" "$before"
  echo "$kind: guarded: $(guard_tries --time "$fs/a/usr/share/base/1")"
}

# Where c and d, who share with them by then, have it no more, b has the last name of what a has removed.
try_last_names() {
  ends "$kind: a last name is refused until the next night" 2 'not permitted' in_guest b 'echo x >>/usr/share/demo/7'
  rm "$fs/c/usr/share/demo/7" "$fs/d/usr/share/demo/7"
  holds "$kind: a night gives last names back" vunify -q "$fs/a" "$fs/b"
  holds "$kind: and b writes to its own" in_guest b 'echo x >>/usr/share/demo/7'
  holds "$kind: deunified" vunify -q -R "$fs/c" "$fs/d"
  holds "$kind: c has the file" [ -f "$fs/c/usr/share/base/1" ]
  holds "$kind: and shares it with d no more" not [ "$fs/c/usr/share/base/1" -ef "$fs/d/usr/share/base/1" ]
  holds "$kind: c writes" in_guest c 'echo x >>/usr/share/base/1'
  holds "$kind: d does" in_guest d 'echo x >>/usr/share/base/1'
}

try_unload() {
  count=$(guarded)
  before=$(inode a/usr/share/base/1)
  ends "$kind: it is unloaded" 0 "guard unloaded: $count file" command vguard unload
  ends "$kind: not twice" 3 'not loaded' command vguard unload
  ends "$kind: status says what stands unguarded" 1 'stand unguarded' vguard status
  ends "$kind: so does vunify's" 0 'stand unguarded' vunify --status
  ends "$kind: no new links by it" 3 'vguard load' vunify -q --protect=guard "$fs/a" "$fs/b"
  ends "$kind: loaded again, all are guarded again" 0 "guard loaded: $count file" vguard load
  same "$kind: what is shared is what it was" "$(inode a/usr/share/base/1)" "$before"
  ends "$kind: and refused" 2 'not permitted' in_guest a 'echo x >>/usr/share/base/1'
}

# An entry of an inode that had the number before, on a filesystem that was mounted in this one's place, keeps nothing.
try_alias() {
  guard_tries --alias "$fs/a/usr/share/base/1"
  ends "$kind: what only seems to be guarded is told of" 1 '1 file that guests share stands unguarded' vguard status
  ends "$kind: and guarded again by the next night" 0 'protected 2 files' vunify "$fs/a" "$fs/b"
  ends "$kind: and refused" 2 'not permitted' in_guest a 'echo x >>/usr/share/base/1'
  command vguard unload
  vguard load
}

# One file more has room: it is shared, the others are left alone, and each that is shared is guarded.
try_full() {
  for n in 1 2 3; do
    yes "$n of the full" | head -c 20000 >"$fs/c/usr/share/base/full$n"
    cp -p "$fs/c/usr/share/base/full$n" "$fs/d/usr/share/base/"
  done
  guard_tries --fill 1
  ends "$kind: where the guard becomes full, files are left alone" 0 'no-protection' vunify "$fs/c" "$fs/d"
  holds "$kind: it has what it had room for" [ "$(guarded)" -eq "$(vguard status --json | jq .room)" ]
  holds "$kind: and nothing is shared without it" vguard status
  ends "$kind: loading a newer one, it is full still" 0 'guard loaded: ' vguard load
  ends "$kind: a guard that is full is told of before anything is done" 3 'is full' vunify --protect=guard "$fs/c" "$fs/d"
  guard_tries --bare "$fs/a/usr/share/base/1"
  guard_tries --fill 0
  ends "$kind: what it has no room for is told" 1 '1 file more than it has room for' vguard load
  command vguard unload
  ends "$kind: loaded anew it has room" 0 'guard loaded: ' vguard load
  holds "$kind: and all of them are shared" vunify -q "$fs/c" "$fs/d"
  for n in 1 2 3; do
    holds "$kind: full$n is" [ "$fs/c/usr/share/base/full$n" -ef "$fs/d/usr/share/base/full$n" ]
  done
}

# Somebody writes to it already when it is to come under the guard.
try_earlier_writer() {
  count=$(guarded)
  command vguard unload
  sleep 1000 9>>"$fs/a/usr/share/base/1" &
  ends "$kind: what is open for writing is left unguarded, and told" 1 '1 file not as recorded, or open for writing' vguard load
  same "$kind: all else is guarded" "$(guarded)" "$((count - 1))"
  kill $!
  wait $!
  ends "$kind: once it is closed it is guarded" 0 "guard loaded: $count file" vguard load
  ends "$kind: and refused" 2 'not permitted' in_guest a 'echo x >>/usr/share/base/1'
}

# killed_at STEP VERB...: vguard, before that change; false where it took fewer.
killed_at() {
  at=$1
  shift
  env LD_PRELOAD="$preload" CRASH_BEFORE="$at" vguard "$@" >/dev/null 2>&1
  [ $? = 137 ]
}

pinned() { find "$pins" -type f ! -name 'new_*' | sort; }
# Where it says that it is loaded, all programs are there.
is_whole_or_not_loaded() { [ ! -e "$pins/file_open" ] || [ "$(pinned)" = "$all_pins" ]; }

# Nothing that is guarded may be bare meanwhile.
try_reload_killed() {
  count=$(guarded) step=1
  while killed_at $step load "--state=$fs/state"; do
    guard_tries "$fs/a/usr/share/base/1" >/dev/null || bad "$kind: a newer guard, killed at $step: something is let through"
    [ "$(guarded)" = "$count" ] || bad "$kind: a newer guard, killed at $step: $(guarded) are guarded"
    step=$((step + 7))
  done
  holds "$kind: a newer guard whose loader is killed, the last time before step $((step - 7)), leaves no gap" [ $step -gt 20 ]
  ends "$kind: and is loaded then" 0 "guard loaded: $count file" vguard load
  holds "$kind: with the programs that it had" [ "$(find "$pins" -type f | sort)" = "$all_pins" ]
}

try_load_killed() {
  count=$(guarded) step=1
  command vguard unload
  while killed_at $step load "--state=$fs/state"; do
    is_whole_or_not_loaded || bad "$kind: loading killed at $step: $(pinned)"
    said=$(vguard load 2>&1)
    [ "$said" = "guard loaded: $count files guarded" ] || bad "$kind: loading killed at $step, and loaded: $said"
    command vguard unload >/dev/null
    step=$((step + 7))
  done
  holds "$kind: loading killed, the last time before step $((step - 7)), is loading begun anew" [ $step -gt 20 ]
}

try_unload_killed() {
  step=1
  vguard load
  while killed_at $step unload; do
    is_whole_or_not_loaded || bad "$kind: unloading killed at $step: $(pinned)"
    vguard load >/dev/null 2>&1
    step=$((step + 7))
  done
  holds "$kind: unloading killed, the last time before step $((step - 7)), leaves no half" [ $step -gt 20 ]
  ends "$kind: all are guarded again" 0 "guard loaded: $count file" vguard load
}

try_loader_killed() {
  pins=/sys/fs/bpf/vunify
  all_pins=$(pinned)
  try_reload_killed
  try_load_killed
  try_unload_killed
}

# As ./dev check has it on other kernels, each twelfth step.
try_runs_killed() {
  command vguard load
  export VUNIFY_TEST_PROTECT=guard VUNIFY_SWEEP_EVERY=12
  if unify_test --gtest_filter='Crash.*:CrashInKernelCow.*:-*btrfs*' >/tmp/crash; then
    said=$(grep -o 'at step .*' /tmp/crash | tr '\n' ' ')
    holds "vunify under the guard, killed: $said" [ "$(grep -c '^\[       OK' /tmp/crash)" -ge 7 ]
  else
    cat /tmp/crash
    bad 'vunify under the guard, killed'
  fi
  command vguard unload
}

first_boot() {
  mkdir "$fs"
  "mkfs.$kind" -q "$disk"
  mount -t "$kind" "$disk" "$fs"
  make_guests
  try_refused
  try_unloaded
  try_load
  try_sharing
  try_writes
  try_last_names
  try_unload
  try_earlier_writer
  try_alias
  [ $kind = xfs ] || try_full
  [ $kind = xfs ] || try_loader_killed
  guarded >"$fs/count"
  command vguard unload
  umount "$fs"
}

# Another device, and nothing in the kernel knows of it.
second_boot() {
  mkdir -p "$fs"
  mount -t "$kind" "$disk" "$fs"
  ends "$kind: loaded at boot, all are guarded again" 0 "guard loaded: $(cat "$fs/count") file" vguard load
  ends "$kind: and refused" 2 'not permitted' in_guest b 'echo x >>/usr/share/base/1'
  command vguard unload
  in_guest a 'echo x >>/usr/share/base/1'
  ends "$kind: what was changed meanwhile is not taken for what it was" 1 '1 file not as recorded' vguard load
  ends "$kind: the next night says so" 1 'not what was shared any more' vunify "$fs/a" "$fs/b"
  holds "$kind: and parts it" not is_shared usr/share/base/1
  command vguard unload
  umount "$fs"
}

# on_each ACT DISK DISK: ext4 on the first, XFS on the second.
on_each() {
  kind=ext4 disk=$2 fs=/srv/ext4
  "$1"
  kind=xfs disk=$3 fs=/srv/xfs
  "$1"
}

# Of Debian 12 itself: hooks have fewer arguments, and ACLs none of their own.
is_old_kernel() { uname -r | grep -q '^6\.1\.'; }

end_with() {
  [ "$failed" = 0 ] && echo "$1: all is as it should be"
  sync
  poweroff -f
}

mount -t securityfs securityfs /sys/kernel/security
mount -t bpf bpf /sys/fs/bpf
if grep -qs '\[confidentiality\]' /sys/kernel/security/lockdown; then
  ends 'status where it is locked down' 1 'boot it with lockdown=integrity' command vguard status --state /tmp
  ends 'load where it is locked down' 3 'boot it with lockdown=integrity' command vguard load --state /tmp
  end_with 'locked down'
fi
echo "$(uname -r): $(cat /sys/kernel/security/lsm)"
if ! grep -q bpf /sys/kernel/security/lsm; then
  without_bpf
  end_with 'without bpf'
fi
if [ ! -e /srv/ext4 ]; then
  on_each first_boot /dev/vdb /dev/vdc
  is_old_kernel || try_runs_killed
  end_with 'first boot'
fi
on_each second_boot /dev/vdc /dev/vdb
end_with 'second boot'
