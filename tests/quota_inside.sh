#!/bin/busybox sh
# shellcheck shell=dash disable=SC1091,SC2154  # of another machine
# SPDX-License-Identifier: Apache-2.0
# quota_inside.sh: what tests/quota.sh runs in the machine. Two tagged guests on vcow, on ext4 and on XFS, both with project
# quota: what the kernel counts is what is the guest's own, whatever it does with what it shares, and holds it to its limit.
. /machine_inside.sh

# refused FACT STATUS WORD COMMAND...: with that status, and that word in what it says.
refused() {
  fact=$1 want=$2 word=$3
  shift 3
  said=$("$@" 2>&1)
  status=$?
  case "$status $said" in "$want "*"$word"*) ok "$fact: $said" ;; *) bad "$fact: status $status: $said" ;; esac
}
same() { if [ "$2" = "$3" ]; then ok "$1: $2"; else bad "$1: $2, and not $3"; fi; }

vdlimit() { command vdlimit --config "$own/config" --state "$own/state" "$@"; }
# What the kernel counts of a project, and its limit: in KiB, and inodes.
quota() { sync -f "$fs"; xfs_quota -f -x -c "quota -p -N -b -v $1" "$fs" | tr -s ' \n' ' ' | cut -d ' ' -f "$2"; }
inodes() { sync -f "$fs"; xfs_quota -f -x -c "quota -p -N -i -v $1" "$fs" | tr -s ' \n' ' ' | cut -d ' ' -f "$2"; }
used() { quota "$1" 2; }
exclusive() { vdu --progress=none --config "$own/config" --state "$own/state" --fresh --json "$fs/.vcow/$1/" | jq '.guests[0].exclusive / 1024'; }
# The directory in which vcow has a's inodes born is of its project, too.
as_counted() {
  born=$(($(stat -c %b "$fs"/.vcow/.vcow-breaks/*/born | head -n 1) / 2))
  same "$kind: the kernel counts what is a's own, $1" $(($(used 42) - born)) "$(exclusive a)"
}
in_a() { chroot "$fs/a" /bin/sh -c "$*"; }
in_b() { chroot "$fs/b" /bin/sh -c "$*"; }
mount_a() { holds "$kind: a is mounted $*" vcow mount --config "$own/config" --state "$own/state" "$@" "$fs/a"; }
end_a() { vcow umount "$fs/a"; flock "$fs/.vcow/a" true; }
inode() { stat -c %i "$fs/.vcow/$1"; }
is_shared() { [ "$(inode "a/$1")" = "$(inode "b/$1")" ]; }

make_guests() {
  for guest in a b; do
    cp -a /guest "$fs/$guest"
    mknod "$fs/$guest/dev/zero" c 1 5
    mknod "$fs/$guest/dev/null" c 1 3
    holds "$kind: dpkg installs in $guest" chroot "$fs/$guest" dpkg -i /demo_1.deb
    mkdir -p "$own/config/$guest" "$own/state"
    ln -sfn "$fs/$guest" "$own/config/$guest/vdir"
  done
  echo 42 >"$own/config/a/context"
  echo 43 >"$own/config/b/context"
}

# What is shared is nobody's, whoever it was before.
try_unify() {
  before=$(used 42)
  holds "$kind: tagged guests are unified" vunify -q --state "$own/state" "$fs/a" "$fs/b"
  holds "$kind: they share" is_shared usr/share/base/2
  same "$kind: what they share is of no project" "$(lsattr -p "$fs/.vcow/a/usr/share/base/2" | tr -s ' ' | cut -d ' ' -f 2)" 0
  holds "$kind: and $before KiB of a are less: $(used 42)" [ "$(used 42)" -lt $((before / 2)) ]
}

# Each made it, and paid for it; then nobody does.
try_unify_what_they_made() {
  for guest in a b; do
    chroot "$fs/$guest" /bin/sh -c 'cd /var/lib && dd if=/dev/zero of=same bs=1k count=800 2>/dev/null && touch -d @1767312000 same'
  done
  end_a
  vcow umount "$fs/b"
  flock "$fs/.vcow/b" true
  before=$(used 42)
  holds "$kind: they are unified again" vunify -q --state "$own/state" "$fs/a" "$fs/b"
  holds "$kind: they share what both made" is_shared var/lib/same
  same "$kind: a pays for it no more" "$(used 42)" $((before - 800))
  same "$kind: nor does b, but for what a gave up: it is the last to have that" "$(used 43)" "$(exclusive b)"
}

try_shared_files() {
  as_counted 'when they were unified'
  holds "$kind: dpkg replaces shared files" in_a dpkg -i /demo_2.deb
  as_counted 'after an upgrade'
  holds "$kind: shared files are moved, linked, removed, and moved over others" \
    in_a 'cd /usr/share/demo && mkdir d && mv 1 d/1 && mv d/1 2 && ln 3 three && cp 4 new && mv new 5 && mv 6 7 && rm 8'
  as_counted 'after that'
  holds "$kind: all kinds are made" in_a 'cd /tmp && mkdir -p x/y && echo 1 >x/y/f && ln -s f x/y/s && mkfifo x/p'
  before=$(inodes 42 2)
  in_a 'cd /tmp && mkdir n && : >n/f && ln -s f n/s && mkfifo n/p && mknod n/c c 1 3 && ln n/f n/g'
  same "$kind: five inodes are five" $(($(inodes 42 2) - before)) 5
  before=$(used 42) others=$(used 43)
  in_a 'echo more >>/usr/share/base/1'
  same "$kind: a break costs its copy" $(($(used 42) - before)) 296
  same "$kind: and b nothing" "$(used 43)" "$others"
  before=$(used 42)
  in_a 'dd if=/dev/zero of=/tmp/passed bs=64k count=16 2>/dev/null'
  same "$kind: what is passed through counts" $(($(used 42) - before)) 1024
  in_a 'rm -r /tmp/passed /tmp/n /tmp/x'
  as_counted 'in the end'
}

try_limit() {
  limit=$(($(used 42) + 1024))
  holds "$kind: a limit is set" vdlimit --native --set "space_total=$limit" a
  same "$kind: it is the kernel's, too" "$(quota 42 4)" "$limit"
  holds "$kind: and told so" sh -c "vdlimit --config $own/config --state $own/state a | grep -q kernel"
  # Without its configuration vcow knows of no limit, and all is passed through.
  mount_a --config /none
  refused "$kind: the kernel refuses more" 1 "${1:-No space left}" in_a 'dd if=/dev/zero of=/tmp/big bs=64k count=64'
  holds "$kind: b feels nothing" in_b 'dd if=/dev/zero of=/tmp/big bs=64k count=64 && rm /tmp/big'
  holds "$kind: not a block more" [ "$(used 42)" -le "$limit" ]
  before=$(md5sum <"$fs/a/usr/share/base/2")
  refused "$kind: a break is refused" 2 'No space left' in_a 'echo more >>/usr/share/base/2'
  same "$kind: and nothing has changed" "$(md5sum <"$fs/a/usr/share/base/2")" "$before"
  holds "$kind: it is shared still" is_shared usr/share/base/2
  holds "$kind: what gives room is never refused" in_a 'cd /usr/share/demo && mv 38 37 && rm /tmp/big'
  sleep 1 # XFS gives removed inodes' room back a moment later
  holds "$kind: and there is room again" in_a 'echo more >>/usr/share/base/2'
  end_a
}

try_inodes() {
  holds "$kind: a limit of inodes is set, the other goes" vdlimit --set "space_total=-1,inodes_total=$(($(inodes 42 2) + 3))" a
  same "$kind: the kernel's follows: no limit of space" "$(quota 42 4)" 0
  mount_a --config /none
  refused "$kind: no third inode" 1 'No space left' in_a 'cd /tmp && mkdir i && touch i/1 && mkfifo i/2'
  end_a
  mount_a
  refused "$kind: vcow counts alike" 1 'No space left' in_a 'cd /tmp && touch i/2 i/3 i/4'
  in_a 'rm -r /tmp/i'
  end_a
  holds "$kind: a count agrees with the kernel's" vdlimit --recount a
  holds "$kind: nothing at all is set as 1 KiB" vdlimit --set space_total=0,inodes_total=-1 a
  holds "$kind: for 0 is no limit there" [ "$(quota 42 4)" -gt 0 -a "$(quota 42 4)" -le 4 ]
  refused "$kind: a kernel that fails leaves all as it was" 1 'no such limit' \
    strace -qq -o /tmp/trace -e inject=quotactl_fd:error=EIO:when=4 vdlimit --config "$own/config" --state "$own/state" --native --set space_total=9999 a
  holds "$kind: in the ledger, too" sh -c "vdlimit --config $own/config --state $own/state --json a | jq -e '.limits[0].space_total == 0'"
  holds "$kind: limits go" vdlimit --remove a
  same "$kind: and the kernel's" "$(quota 42 4)" 0
}

try_refusals() {
  xfs_quota -f -x -c 'limit -p bhard=5m 43' "$fs"
  refused "$kind: somebody else's limit is not taken" 3 'did not set' vdlimit --native --set space_total=1 b
  xfs_quota -f -x -c 'limit -p bhard=0 43' "$fs"
  chattr -p 0 "$fs/.vcow/b"
  refused "$kind: a project that others use is not taken" 3 'in use' vdlimit --native --set space_total=1 b
  chattr -p 43 "$fs/.vcow/b"
  echo 44 >"$own/config/b/context"
  refused "$kind: an untagged guest has no limit there" 3 'do not carry' vdlimit --native --set space_total=1 b
  holds "$kind: but in the ledger, if that is all that is wanted" vdlimit --native --advisory --set space_total=1 b
  vdlimit --remove b
  echo 43 >"$own/config/b/context"
}

run_on() {
  kind=$1 fs=/srv/$1 own=/tmp/$1
  mkdir -p "$fs"
  mount -t "$kind" -o prjquota "$2" "$fs"
  make_guests
  holds "$kind: guests are adopted" vcow adopt --state "$own/state" "$fs/a" "$fs/b"
  for guest in a b; do holds "$kind: $guest is tagged" chxid --config "$own/config" -U -c "$guest" -R "$fs/.vcow/$guest"; done
  try_unify
  mount_a
  holds "$kind: the kernel writes by itself" sh -c "vcow list --json | jq -e '.[0].passthrough'"
  holds "$kind: b is mounted" vcow mount "$fs/b"
  try_shared_files
  end_a
  try_limit "$3"
  try_inodes
  try_refusals
  mount_a
  try_unify_what_they_made
  [ $failed = 0 ] && echo "$kind: all is as it should be"
}

# Where copies share data the kernel counts them whole, and vdu what would be free without them.
mkfs.ext4 -q -b 4096 -O quota,project -E quotatype=prjquota /dev/vdb
mkfs.xfs -q -m reflink=0 /dev/vdc
run_on xfs /dev/vdc 'No space left' >/tmp/xfs.log 2>&1 &
run_on ext4 /dev/vdb 'quota exceeded'
wait
cat /tmp/xfs.log
cut -d ' ' -f 1 /proc/uptime | sed 's/^/seconds up: /'
poweroff -f
