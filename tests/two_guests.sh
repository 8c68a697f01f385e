#!/bin/sh
# SPDX-License-Identifier: Apache-2.0
# Two Debian guests, one and two: how they are bootstrapped, lived in, and looked at; read in by tests/life.sh and
# tests/kernel_life.sh. They say $stage, where guests show their files, $tree, where these lie, and $root, for notes.
# shellcheck disable=SC2154

title() { printf '\n== life: %s\n' "$*"; }
in_one() { LC_ALL=C DEBIAN_FRONTEND=noninteractive chroot "$stage/one" "$@"; }
contents() { (cd "$stage/$1" && find . -xdev -type f -print0 | LC_ALL=C sort -z | xargs -0 sha256sum); }
names() { (cd "$stage/$1" && find . -xdev \( -type d -o -printf '%s %T@ %l ' \) -printf '%p %y %m %U %G\n' | LC_ALL=C sort); }
image() { contents "$1"; names "$1"; }
expect_as_it_was() {
  image two >"$root/now"
  cmp "$root/now" "$root/before" || { diff "$root/before" "$root/now" | head; exit 1; }
  echo 'every file of the other guest is as it was'
}
expect_packages_whole() {
  for guest in one two; do
    chroot "$stage/$guest" dpkg -V >"$root/wrong" || :
    [ ! -s "$root/wrong" ] || { echo "dpkg -V in $guest:"; cat "$root/wrong"; exit 1; }
  done
  echo 'dpkg -V has nothing to say in either'
}
unify() { vunify --state "$root/state" "$@" "$stage/one" "$stage/two"; }
# Inodes in /usr that both have. (Elsewhere dpkg writes a list a package anew, which has another time then.)
shared() {
  (cd "$tree" && find one/usr two/usr -xdev -type f -printf '%i %H\n' | sort -u | cut -d' ' -f1 | uniq -d | wc -l)
}

# bootstrap DIRECTORY PACKAGE,...: the first of them, which reaches where apt reaches here.
bootstrap() {
  apt-get indextargets --format 'deb $(REPO_URI) $(RELEASE) $(COMPONENT)' 'Created-By: Packages' |
    grep -E '/debian/? bookworm main$' |
    mmdebstrap --quiet --variant=minbase --include="$2" --aptopt='Acquire::Check-Valid-Until "false"' bookworm "$1" -
  cp -L /etc/resolv.conf /etc/hosts "$1/etc/"
  apt-config dump | grep -E '^Acquire::(https?::|Check-)' >"$1/etc/apt/apt.conf.d/99reach" || :
}

# A user, a cache written anew, a file edited in place, and a database: no network is needed.
live_alone() {
  in_one useradd --create-home demo
  in_one ldconfig
  in_one sed -i '$a192.0.2.1 demo' /etc/hosts  # no package's
  in_one sqlite3 /home/demo/db 'pragma journal_mode = wal; create table t(a, b); with recursive
    n(i) as (select 1 union all select i + 1 from n where i < 50000) insert into t select i, hex(i) from n; vacuum;'
  [ "$(in_one sqlite3 /home/demo/db 'pragma integrity_check; select count(*) from t')" = "$(printf 'ok\n50000')" ]
}
