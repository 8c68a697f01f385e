#!/bin/bash
# SPDX-License-Identifier: Apache-2.0
# ./dev vapt [--from TREE]: three Debian guests, adopted and unified, are upgraded and given more packages by vapt, all
# of them stopped, then one in a container; their packages are whole, no service of theirs was started, nothing is left
# of it on the host, and what they were all given takes the space of one. TREE is copied in place of a bootstrapped one.
# All of it lives in namespaces of its own, and goes with its first process.
set -euo pipefail
here=$(cd "$(dirname "$0")" && pwd)

if [ "${1:-}" != --inside ]; then
  from=
  [ "${1:-}" != --from ] || from=$(realpath "$2")
  work=$(mktemp -d /var/tmp/vunify-vapt.XXXXXX)
  trap 'rm -rf "$work"' EXIT
  unshare --mount --pid --fork --kill-child --mount-proc "$0" --inside "$work" "$from" </dev/null
  exit
fi

work=$2 from=$3
guests=(one two three)
fail() { echo "vapt: $*" >&2; exit 1; }
quietly() { "$@" >"$work/log" 2>&1 || { cat "$work/log" >&2; fail "$*"; }; }
at() { echo "$work/vm/.vcow/$1"; }
used() { df --output=used -BK "$work/vm" | tail -1 | tr -dc 0-9; }
vapt() { command vapt --state "$work/state" --config "$work/config" --all "$@"; }

# What runs in the guests is seen by nobody else.
mount -t tmpfs none /run
truncate -s 8G "$work/fs.img"
mkfs.ext4 -q -F "$work/fs.img"
mkdir -p "$work/vm" "$work/config/.defaults/apps/vunify"
mount -o loop "$work/fs.img" "$work/vm"
echo vserver >"$work/config/.defaults/apps/vunify/providers"

# shellcheck source=tests/nights/debian.sh
. "$here/nights/debian.sh"
base=$work/debian
if [ -n "$from" ]; then cp -a "$from" "$base"; else
  sources | grep -v -e -security -e -updates | mmdebstrap --quiet --variant=minbase bookworm "$base" -
fi
sources >"$base/etc/apt/sources.list"
apt-config dump | grep -E '^Acquire::(https?::|Check-)' >"$base/etc/apt/apt.conf.d/99reach" || :
echo force-unsafe-io >"$base/etc/dpkg/dpkg.cfg.d/nights"
: >"$base/etc/resolv.conf"
cp -L /etc/hosts "$base/etc/"
for guest in "${guests[@]}"; do
  cp -a "$base" "$work/vm/$guest"
  mkdir -p "$work/config/$guest"
  ln -s "$work/vm/$guest" "$work/config/$guest/vdir"
done
quietly vcow adopt --state "$work/state" "$work"/vm/{one,two,three}
quietly vunify --state "$work/state" --config "$work/config" --all
before=$(used)

echo '== three stopped guests, two at a time'
vapt --jobs 2 -- -q update >"$work/out" || { cat "$work/out"; fail update; }
tail -4 "$work/out" | head -4
grep -v ' Get:\| Hit:\|Reading' "$work/out" | tail -12
vapt --no-unify --jobs 2 -- -qy dist-upgrade >"$work/out" || { tail -30 "$work/out"; fail dist-upgrade; }
grep ' upgraded, ' "$work/out" || :
vapt --no-unify --jobs 2 -- -qy install --no-install-recommends systemd-sysv cron nginx-light >"$work/out" || { tail -30 "$work/out"; fail install; }
vapt --no-unify --jobs 2 -- -qy install --reinstall cron nginx-light >>"$work/out" || { tail -30 "$work/out"; fail reinstall; }
grep -E 'invoke-rc.d|policy|start' "$work/out" | sort -u | head || :
tail -4 "$work/out"
apart=$(used)
vapt -- -q clean
together=$(used)
echo "used: $before KiB before, $apart KiB upgraded, $together KiB unified again"
[ $((3 * (together - before))) -lt $((2 * (apart - before))) ] || fail 'what became equal is not one'

echo '== what is left of it'
for guest in "${guests[@]}"; do
  [ -z "$(chroot "$(at "$guest")" dpkg --audit)" ] || fail "packages of $guest"
  chroot "$(at "$guest")" dpkg -V
  [ ! -e "$(at "$guest")/usr/sbin/policy-rc.d" ] || fail "policy-rc.d in $guest"
  [ ! -s "$(at "$guest")/etc/resolv.conf" ] || fail "resolv.conf in $guest"
done
! grep -q "$work/vm/" /proc/mounts || fail 'a mount'
for program in nginx cron vcow vapt; do ! pgrep -x $program || fail "a process: $program"; done
vdu --state "$work/state" --config "$work/config" one two three

echo '== one in a container'
quietly vcow mount --state "$work/state" "$work/vm/two"
# shellcheck disable=SC2016
unshare --mount --pid --uts --ipc --fork --kill-child --propagation private sh -c \
  'mount -t proc proc "$1/proc"; mount -t tmpfs none "$1/run"; cp -L /etc/resolv.conf "$1/run/"
   mount --bind "$1/run/resolv.conf" "$1/etc/resolv.conf"; touch "$1/run/begun"; exec chroot "$1" sleep infinity' sh "$work/vm/two" &
until pgrep -x sleep >/dev/null; do sleep 0.1; done
command vapt --state "$work/state" --config "$work/config" two -- -qy install figlet >"$work/out" || { cat "$work/out"; fail 'in a container'; }
tail -3 "$work/out"
[ -e "$(at two)/usr/bin/figlet-figlet" ] || fail 'figlet is not there'
kill %1
echo '== all holds'
