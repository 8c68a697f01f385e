#!/bin/bash
# SPDX-License-Identifier: Apache-2.0
# package.sh OLD.deb NEW.deb: what an administrator does with the package, in a bare Debian that is this script's own root
# and is thrown away (tests/fresh.sh): installs, runs, installs again, upgrades, removes, purges. Nothing may be left.
set -eu
old=$PWD/$1 new=$PWD/$2
export DEBIAN_FRONTEND=noninteractive
state=/var/lib/vunify

step() { printf -- '-- %s\n' "$*"; }
fail() { echo "package: $*" >&2; exit 1; }
quietly() { "$@" >/package/log 2>&1 || { cat /package/log >&2; fail "$*"; }; }
says() { grep -q -- "$1" /package/log || { cat /package/log >&2; fail "not said: $1"; }; }
apt() { quietly apt-get -q -y --no-install-recommends "$@"; }
is() { dpkg-query -W -f '${db:Status-Abbrev}' vunify; }
expect() { [ "$1" = "$2" ] || fail "$3: '$1', not '$2'"; }

# What the package manager itself keeps of all packages, and what goes on meanwhile, is not ours.
files() {
  find / -xdev \( -path /package -o -path /var/lib/dpkg -o -path /var/cache -o -path /var/log -o -path /var/lib/apt \
    -o -path /tmp -o -path /guests \) -prune -o -print | sort
}

make_guests() {
  mkdir -p /guests/a /guests/b
  for name in file other; do
    head -c 20000 /dev/urandom >/guests/a/$name
    cp -p /guests/a/$name /guests/b/$name
  done
}
names() { stat -c %h /guests/a/file; }

step 'what it depends on'
apt update
apt install strace  # for the run that is cut short
apt satisfy "$(dpkg-deb -f "$new" Depends)"
files >/package/before

step 'installs, and runs'
quietly dpkg -i "$old"
expect "$(is)" 'ii ' 'the old one'
vunify --version
expect "$(vunify --status)" 'no run yet' 'a fresh state'
expect "$(stat -c '%a %U' $state)" '700 root' 'the state'
grep -q '^#[0-9].*vunify --all -q$' /etc/cron.d/vunify || fail 'cron.d'
make_guests
quietly vunify --protect=immutable /guests/a /guests/b
expect "$(names)" 2 'two guests unified'

step 'is upgraded, and installed twice'
echo '# mine' >>/etc/cron.d/vunify
for _ in 1 2; do
  quietly dpkg -i "$new"
  expect "$(is)" 'ii ' 'the new one'
done
tail -n 1 /etc/cron.d/vunify | grep -q '# mine' || fail 'the conffile was replaced'
vunify --status | grep -q '2 shared files' || fail 'the index is gone'

step 'is not removed while something is half done'
vunify -q -R /guests/b
strace -f -qq -o /package/log -e trace=renameat2 -e inject=renameat2:signal=KILL \
  vunify --protect=immutable /guests/a /guests/b || expect $? 137 'a run that is killed'
if dpkg -r vunify >/package/log 2>&1; then fail 'removed, with a journal that is needed'; fi
says 'vunify --recover first'
expect "$(is)" 'ri ' 'asked to go, and still there'
quietly vunify --recover
quietly vunify --protect=immutable /guests/a /guests/b

step 'is removed'
quietly dpkg -r vunify
says '^vunify: 2 files in 2 guests stay shared and protected; run vunify -R first'
expect "$(is)" 'rc ' 'removed'
expect "$(names)" 2 'what was shared'
[ -e /etc/cron.d/vunify ] || fail 'the conffile went too early'

step 'is purged'
touch $state/journal.unresolved
quietly dpkg -P vunify
says 'is kept: its journals'
expect "$(ls $state)" "$(printf 'journal.unresolved\nkey')" 'the state with a journal'
quietly dpkg -i "$new"
rm $state/*
quietly dpkg -P vunify
files >/package/after
diff /package/before /package/after || fail 'something is left'
expect "$(dpkg --audit)" '' 'dpkg --audit'
