#!/bin/sh
# SPDX-License-Identifier: Apache-2.0
# ./dev fresh: README.md's two commands on a Debian 12 of this very minute. A bare tree with today's packages is
# bootstrapped on a filesystem of its own, the checkout is copied into it, and "./dev demo" and "./dev check" have to
# install and do all the rest; so has "./dev kernel", with what that built; then what "./dev deb" builds is installed and
# removed in a copy of the bare tree (tests/package.sh). --quick leaves out the kernel, and the tests that take minutes.
# --deb FILE does only the last, with this package; --boot FILE boots the bare tree and tries the package's unit there
# (tests/booted.sh).
# All of it lives in namespaces of its own, on an image file that has lost its name: it goes when its last process does,
# however that ends.
set -eu
cd "$(dirname "$0")/.."

suite=bookworm
tree=/mnt  # in a mount namespace of our own: outside nothing is mounted there
bare=$tree/bare

title() { printf '\n== fresh: %s\n' "$*"; }

# --- outside: namespaces ------------------------------------------------------------------------------------------

# Ends the first process of the PID namespace, which takes all others along, and these the mounts and loop devices.
stop() {
  trap '' INT TERM
  kill -KILL "$(cat "/proc/$!/task/$!/children")" || :
  wait $! || :
  echo 'fresh: interrupted' >&2
  exit "$1"
}

# In the background, so that a signal is acted on at once. Should this script be killed, unshare is, and that process.
enter() {
  image=$(mktemp /var/tmp/vunify-fresh.XXXXXX)
  trap 'rm -f "$image"' EXIT
  trap 'stop 130' INT
  trap 'stop 143' TERM
  env --default-signal setpriv --pdeathsig KILL \
    unshare --mount --pid --fork --kill-child --mount-proc tests/fresh.sh --inside "$image" "$@" </dev/null &
  wait $!
  exit
}

if [ "${1:-}" != --inside ]; then
  case "$*" in
    '' | --quick | '--deb '* | '--boot '*) ;;
    *) echo 'usage: ./dev fresh [--quick | --deb FILE | --boot FILE]' >&2; exit 2 ;;
  esac
  [ "$(id -u)" = 0 ] || { echo 'fresh: needs root, to mount a filesystem and to change its root' >&2; exit 1; }
  enter "$@"
fi

# --- inside: the tree ---------------------------------------------------------------------------------------------

mount_tree() {  # mount_tree IMAGE
  truncate -s 20G "$1"
  mkfs.ext4 -q -F "$1"
  mount -o loop "$1" "$tree"
  rm "$1"
}

# Where apt gets Debian itself from here; what else it is told to ask is none of a bare machine's.
sources() {
  # shellcheck disable=SC2016  # apt-get's own variables
  apt-get indextargets --format 'deb $(REPO_URI) $(RELEASE) $(COMPONENT)' 'Created-By: Packages' |
    grep -E "/debian(-security)?/? $suite(-updates|-security)? main\$"
}

# How it reaches that: proxies, and whether a mirror may be older than its own date allows.
reach() { apt-config dump | grep -E '^Acquire::(https?::|Check-)' || :; }

bootstrap() {
  certificates=
  ! sources | grep -q ' https:' || certificates=--include=ca-certificates
  sources | mmdebstrap --quiet --variant=minbase $certificates "$suite" "$tree" -
  reach >"$tree/etc/apt/apt.conf.d/99reach"
  cp -L /etc/resolv.conf /etc/hosts "$tree/etc/"
}

# As it is now, beside all that is still to come in it.
keep_bare() {
  mkdir "$bare"
  tar -C "$tree" -c --exclude=./bare --exclude=./lost+found . | tar -x -C "$bare"
}

furnish() {  # furnish TREE
  mount --rbind /sys "$1/sys"
  mount --rbind /dev "$1/dev"
  mount -t proc proc "$1/proc"
  mount -t tmpfs tmpfs "$1/run"
}

check_out() {
  mkdir "$tree/vunify"
  tar -c --exclude=./build --exclude=./.git . | tar -x --no-same-owner -C "$tree/vunify"
}

# In the tree, with nothing of this environment but proxies and how long tests may run. As on a machine of its own it is the root of a mount
# namespace: who is chrooted may make no user namespace (user_namespaces(7)), as guests of some tests do.
run_in() {  # run_in TREE DIRECTORY COMMAND...
  # shellcheck disable=SC2046  # a list of words
  env -i HOME=/root PATH=/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin $(env | grep -iE '^([a-z]*_proxy|VUNIFY_RACE_SECONDS|VUNIFY_SWEEP_EVERY)=') \
    unshare --mount --propagation private sh -c '
      cd "$0" && mkdir -p .before && pivot_root . .before && umount -l /.before && cd "$1" && shift && exec "$@"' "$@"
}

run() { run_in "$tree" /vunify "$@"; }

# What it is upgraded from is the same under an older version.
try_package() {  # try_package DEB
  mount --bind "$bare" "$bare"  # a root has to be a mount
  furnish "$bare"
  mkdir "$bare/package"
  cp tests/package.sh "$bare/package/"
  cp "$1" "$bare/package/new.deb"
  dpkg-deb -R "$1" "$bare/package/older"
  sed -i 's/^Version: .*/Version: 0.0.1-1/' "$bare/package/older/DEBIAN/control"
  dpkg-deb --root-owner-group -b "$bare/package/older" "$bare/package/old.deb" >/dev/null
  run_in "$bare" /package ./package.sh old.deb new.deb
}

# It is booted as bare as it is, without what is mounted in one that is furnished.
try_unit() {  # try_unit DEB
  dpkg-deb -f "$1" Depends >"$tree/depends"
  # shellcheck disable=SC2016  # the tree's own shell
  chroot "$tree" env DEBIAN_FRONTEND=noninteractive sh -ec '
    apt-get -qq update
    apt-get -qq -y --no-install-recommends install systemd-sysv dbus
    apt-get -qq -y --no-install-recommends satisfy "$(cat /depends)"' >"$tree/log" 2>&1 || { cat "$tree/log"; exit 1; }
  tests/booted.sh "$tree" "$1"
}

part() {  # part TITLE COMMAND...: says what it took
  title "$1"
  shift
  began=$(date +%s)
  "$@"
  echo "fresh: that took $(($(date +%s) - began)) s"
}

# Hundreds of runs that are killed, minutes of racing guests, and what is the same on each filesystem.
long=
[ "${3:-}" != --quick ] || long='^(Crash|PowerCut|Writers|MetadataRace|SwapRace|StressOn)|/(xfs|btrfs)'

mount_tree "$2"
part "a bare Debian $suite, with the packages of today" bootstrap
keep_bare
case ${3:-} in
  --deb) part 'the package in a bare tree' try_package "$4"; exit ;;
  --boot) part 'the unit in a booted Debian' try_unit "$4"; exit ;;
esac
furnish "$tree"
check_out
echo "$(run dpkg-query -W | wc -l) packages"
part './dev demo' run ./dev demo
part './dev check' run ./dev check ${long:+-E "$long"}
[ -n "$long" ] || part './dev kernel' run ./dev kernel
part './dev deb' run ./dev deb
part 'the package in a bare tree' try_package "$tree"/vunify/build/release/*.deb
run dpkg-query -W g++-12 libc6 linux-libc-dev
title 'all of it is green'
