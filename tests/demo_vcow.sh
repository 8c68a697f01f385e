# SPDX-License-Identifier: Apache-2.0
# The last part of ./dev demo, read by demo.sh, whose words it uses: two of the guests are adopted and mounted with vcow.
# One reinstalls a package, gets a user and has files edited; the other notices nothing, and reads its programs from the
# pages that the first one read. Then all of it is taken back.
# shellcheck shell=sh disable=SC2154  # what demo.sh sets

trees=$stage/.vcow

in_guest() {  # in_guest GUEST COMMAND...
  inside=$1
  shift
  printf '$ chroot %s %s\n' "$inside" "$*"
  LC_ALL=C DEBIAN_FRONTEND=noninteractive chroot "$stage/$inside" "$@"
}

# --- what is looked at --------------------------------------------------------------------------------------------

# Names of programs and libraries in the second guest whose inode the first one has, too.
programs() {
  find "$trees/g1" -xdev -type f -printf '%i\n' >"$root/seen.inodes"
  (cd "$trees/g2" && find usr/bin usr/sbin usr/lib -xdev -type f -size +16k -printf '%i %p\n') |
    awk 'NR == FNR { others[$1]; next } $1 in others' "$root/seen.inodes" - | cut -d' ' -f2- | tr '\n' '\0'
}
read_programs() { (cd "$stage/$1" && xargs -0 cat <"$root/seen.programs" >/dev/null); }
forget_programs() {
  sync -f "$stage"
  (cd "$trees/g2" && xargs -0 -I{} dd if={} iflag=nocache count=0 status=none <"$root/seen.programs")
}
# Bytes of them in the page cache: asked of both trees, each inode once.
cached_programs() {
  for guest in $guests; do (cd "$trees/$guest" && xargs -0 stat -c "%i $guest/%n" <"$root/seen.programs"); done |
    sort -u -k1,1n | cut -d' ' -f2- |
    (cd "$trees" && xargs -d '\n' fincore --bytes --noheadings --output RES) | awk '{ sum += $1 } END { printf "%.0f", sum }'
}
cached_at_all() { awk '/^Cached:/ { printf "%.0f", $2 * 1024 }' /proc/meminfo; }
# "FILES BYTES" of the first guest that no other has.
private() {
  find "$trees/g2" -xdev -type f -printf '%i\n' >"$root/seen.inodes"
  find "$trees/g1" -xdev -type f -printf '%i %s\n' | sort -u |
    awk 'NR == FNR { others[$1]; next } !($1 in others) { files++; bytes += $2 } END { printf "%d %.0f", files, bytes }' \
      "$root/seen.inodes" -
}
is_one() { [ "$trees/g1/$1" -ef "$trees/g2/$1" ]; }
are_two() { ! is_one "$1"; }
has_passthrough() { vcow list --json | grep -q '"passthrough":true'; }

# --- what is done -------------------------------------------------------------------------------------------------

# How apt reaches its mirror from here: names, proxies, and whether that may be older than its own date allows.
connect() {
  cp -L /etc/resolv.conf /etc/hosts "$stage/$1/etc/"
  apt-config dump | grep -E '^Acquire::(https?::|Check-)' >"$stage/$1/etc/apt/apt.conf.d/99reach" || :
}
reinstall() {
  connect "$1" && in_guest "$1" apt-get -qq update &&
    in_guest "$1" apt-get -qq -o Dpkg::Use-Pty=0 install --reinstall coreutils 2>/dev/null || return
  claim 'dpkg -V coreutils has nothing to say' [ -z "$(chroot "$stage/$1" dpkg -V coreutils)" ]
  in_guest "$1" apt-get clean
  rm -r "$stage/$1"/var/lib/apt/lists/*  # with the cache 230 MiB, and no package's
}
# Where no mirror answers: as dpkg does it, each program is unpacked beside itself and takes its name.
unpack_again() {
  echo "# no mirror answers in $1: each program of /usr/bin is unpacked again, as dpkg does it"
  find "$stage/$1/usr/bin" -xdev -type f -exec sh -c 'cp -p "$1" "$1.dpkg-new" && ln "$1" "$1.dpkg-tmp" &&
    mv "$1.dpkg-new" "$1" && rm "$1.dpkg-tmp"' - {} \;
}

# --- this part of the demo ----------------------------------------------------------------------------------------

title 'vcow: guests that share, and may upgrade'
guests='g1 g2'
[ -e /dev/fuse ] || modprobe -q fuse || :
if [ ! -e /dev/fuse ]; then echo '# no /dev/fuse here: nothing to be shown'; return 0; fi
show vcow adopt --state "$state" g1 g2
show lsattr -d g1 g2
claim 'a guest whose vcow is not mounted cannot be started, nor written to' [ ! -e g1/bin -a ! -e g2/bin ]
run_vunify
for guest in $guests; do show vcow mount "$guest"; done
claim 'all files of both are as they were: bytes, mode, owner, mtime' unchanged
claim 'inside, a shared file has one name' [ "$(stat -c %h g1/usr/bin/ls)" = 1 ]

title 'What one of them has read, the other finds in the page cache'
programs >"$root/seen.programs"
forget_programs
none=$(cached_programs) all_none=$(cached_at_all)
read_programs g1
one=$(cached_programs) all_one=$(cached_at_all)
read_programs g2
both=$(cached_programs) all_both=$(cached_at_all)
printf '%-44s %12s %12s\n' '' fincore 'free(1)'
printf '%-44s %12s %12s\n' 'g1 reads what both share in /usr' "+$(mib $((one - none)))" "+$(mib $((all_one - all_none)))"
printf '%-44s %12s %12s\n' 'g2 reads the same' "+$(mib $((both - one)))" "+$(mib $((all_both - all_one)))"
if has_passthrough; then
  claim 'g1 brought them in, and g2 added nothing' [ $((one - none)) -gt 33554432 -a $((both - one)) -lt 1048576 ]
else
  echo '# this kernel has no FUSE passthrough (Linux 6.9): each mount has pages of its own'
fi

title 'One of them is worked in'
before=$(private)
reinstall g1 || unpack_again g1
in_guest g1 useradd --create-home demo
in_guest g1 sed -i s/^PRETTY_NAME=.*/PRETTY_NAME=first/ /usr/lib/os-release
echo '# written in place' | in_guest g1 tee -a /etc/profile
claim 'g1 has its user' grep -q '^demo:' g1/etc/passwd
claim 'g1 has what was edited' grep -q '^PRETTY_NAME=first' g1/usr/lib/os-release
claim 'g2 is as it was: bytes, mode, owner, mtime of every file' is_as_it_was g2
claim 'what g1 wrote to is its own' are_two etc/profile
after=$(private)
printf '$ vcow list\n'
vcow list | grep --no-group-separator -A 3 "^$stage/" | sed "s,$root/,,g"
echo "private in g1: ${before% *} files, $(mib "${before#* }") before; ${after% *} files, $(mib "${after#* }") now"

title 'Unmounted, what became equal again is shared again'
for guest in $guests; do
  printf '$ umount %s\n' "$guest"
  unmount "$guest"
done
claim 'what was reinstalled is two files' are_two usr/bin/ls
run_vunify
claim 'and one again' is_one usr/bin/ls
again=$(private)
claim "private in g1: ${again% *} files, $(mib "${again#* }")" [ "${again% *}" -lt "${after% *}" ]

title 'And back, for good'
run_vunify -R
show vcow release --state "$state" g1 g2
claim 'no inode is shared any more, and the guests lie where they were' [ "$(shared)" = 0 -a -x g1/bin/ls -a ! -e "$trees" ]
claim 'g2 is as at the start' is_as_it_was g2
