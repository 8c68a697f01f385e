# SPDX-License-Identifier: Apache-2.0
# A small guest as Alpine's apk leaves it. Debian has neither apk nor an Alpine: the database is written as apk 3 writes
# it, and files are replaced as it replaces them, by a new one that is renamed.
. "$here/nights/small.sh"
needs="$needs xxd"
beside=apk-new

prepare() {
  echo 'nights: no apk in Debian: what it leaves is written by hand'
  for version in 1.0 1.1; do demo_files "$work/demo-$version" $version; done
}
make() {
  local tree
  tree=$(tree "$1")
  base_files "$tree"
  mkdir -p "$tree/lib/apk/db"
  install_demo "$tree" 1.0
  find "$tree" -exec touch -h -d 2026-01-01 {} +  # of packages that were built on one day
}
# A file in etc that is there stays: the new one is put beside it.
install_demo() {  # install_demo TREE VERSION
  local path to
  for path in etc/kept.conf etc/plain.conf usr/bin/demo usr/bin/demo-stays; do
    to=$1/$path
    [[ $path != etc/* || ! -e $to ]] || to=$to.$beside
    mkdir -p "${to%/*}"
    cp "$work/demo-$2/$path" "${to%/*}/.apk.0123456789"
    mv "${to%/*}/.apk.0123456789" "$to"
  done
  (cd "$1" && database "$2") >"$1/lib/apk/db/installed.new"
  mv "$1/lib/apk/db/installed.new" "$1/lib/apk/db/installed"
}
database() {
  stanza base 1.0 bin bin/busybox etc etc/passwd usr/share/texts usr/share/texts/*
  stanza demo "$1" etc etc/kept.conf etc/plain.conf usr/bin usr/bin/demo usr/bin/demo-stays
}
# stanza PACKAGE VERSION PATH...: a directory before its files.
stanza() {
  printf 'C:Q1%s\nP:%s\nV:%s-r0\nA:x86_64\n' "$(echo "$1" | digest)" "$1" "$2"
  shift 2
  for path; do
    if [ -d "$path" ]; then printf 'F:%s\n' "$path"; else
      printf 'R:%s\na:0:0:%s\nZ:Q1%s\n' "${path##*/}" "$(stat -c %a "$path")" "$(digest <"$path")"
    fi
  done
  echo
}
digest() { sha1sum | xxd -r -p | base64; }
upgrade() { install_demo "$(at "$1")" 1.1; }
# What the database says of each file but those in etc.
verify() {
  local directory file
  while IFS=: read -r key value; do
    case $key in
      F) directory=$value ;;
      R) file=$directory/$value ;;
      Z) [[ $file == etc/* ]] || [ "Q1$(digest <"$(at "$1")/$file")" = "$value" ] || echo "$file is another" ;;
    esac
  done <"$(at "$1")/lib/apk/db/installed"
}
conffiles() { printf '%s\n' /etc/passwd /etc/kept.conf /etc/plain.conf; }
