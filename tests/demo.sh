#!/bin/sh
# SPDX-License-Identifier: Apache-2.0
# ./dev demo: three Debian guests, bootstrapped one by one, unified on a filesystem of their own in an image file; in the
# end two of them work side by side on vcow. What is shown is what happened: "$ command", then its output; what is
# claimed is checked, and a claim that fails ends the demo. All of it lies in /var/tmp/vunify-demo. Of that the
# bootstrapped guests stay for the next time (--clean removes them).
set -eu

here=$(cd "$(dirname "$0")" && pwd)

root=/var/tmp/vunify-demo
stage=$root/fs
cache=$root/guests
state=$root/state
guests='g1 g2 g3'
keep=

for option; do
  case $option in
    --keep) keep=yes ;;
    --clean) ;;
    *) echo "usage: ./dev demo [--keep | --clean]" >&2; exit 2 ;;
  esac
done

# What vcow shows, and until its daemon has ended: it holds the tree locked.
unmount() {  # unmount GUEST
  umount "$stage/$1"
  flock -w 20 "$stage/.vcow/$1" true
}

take_down() {
  for guest in $guests; do
    if grep -q " $stage/$guest fuse.vcow " /proc/mounts; then unmount "$guest"; fi
  done
  if mountpoint -q "$stage"; then umount "$stage"; fi
  if [ -d "$stage" ]; then chattr -R -f -i "$stage" || :; fi
  rm -rf "$stage" "$state" "$root/fs.img" "$root"/seen.*
}

if [ "${1:-}" = --clean ]; then
  take_down
  rm -rf "$root"
  echo "removed $root"
  exit 0
fi
[ "$(id -u)" = 0 ] || { echo 'demo: needs root, to mount a filesystem and to keep the owners of the guests'"'"' files' >&2; exit 1; }

finish() {
  status=$?
  trap - EXIT
  cd /
  if [ -n "$keep" ]; then echo "kept: $stage (./dev demo --clean removes it)"; else take_down; fi
  [ $status = 0 ] || echo "demo: FAILED" >&2
  exit $status
}
trap finish EXIT
trap 'exit 130' INT TERM

title() { printf '\n== %s\n' "$*"; }
# In the words of somebody who stands in the demo's directory.
show() {
  printf '$ %s\n' "$*" | sed "s,$root/,,g; s, --quiet,,; s,--aptopt=[^=]*\"[^\"]*\" ,,g; s,=Acquire[^ ]*,,"
  "$@"
}
holds() { printf '   holds: %s\n' "$*"; }
fails() { printf '   DOES NOT HOLD: %s\n' "$*"; exit 1; }
claim() {  # claim TEXT TEST...
  claimed=$1
  shift
  if "$@"; then holds "$claimed"; else fails "$claimed"; fi
}

# --- guests -------------------------------------------------------------------------------------------------------

# The mirror this machine's apt uses.
mirror() {
  found=$(grep -rhoE '(https?|file):[^ ]+/debian/?( |$)' /etc/apt/sources.list /etc/apt/sources.list.d 2>/dev/null | head -n 1)
  echo "${found:-http://deb.debian.org/debian}" | tr -d ' '
}

bootstrap() {  # bootstrap GUEST: into its archive
  show mmdebstrap --quiet --variant=minbase --format=tar --aptopt='Acquire::Check-Valid-Until "false"' \
    --aptopt='Acquire::http::Timeout "15"' bookworm "$cache/$1.part" "$(mirror)"
}

# Where no mirror answers: what dpkg knows of the packages that every Debian has, from this machine.
cut_from_host() {  # cut_from_host GUEST
  dpkg-query -W -f '${Essential} ${Package}\n' | sed -n 's/^yes //p' | xargs dpkg-query -L | sort -u |
    sed 's,^/\(bin\|sbin\|lib\|lib64\)/,/usr/\1/,; s,^/,,; /^\.*$/d' |
    tar -C / --no-recursion --ignore-failed-read -cf "$cache/$1.part" -T - 2>/dev/null || :
}

make_guest() {
  archive=$cache/$1.tar
  if [ -e "$archive" ]; then
    printf '# %s: bootstrapped %s\n' "$1" "$(date -r "$archive" '+%F %T')"
  elif [ -z "${no_mirror:-}" ] && bootstrap "$1"; then
    mv "$cache/$1.part" "$archive"
  else
    no_mirror=yes
    echo "# $1: no Debian mirror answers; cut from this machine's own essential packages"
    cut_from_host "$1"
    mv "$cache/$1.part" "$archive"
  fi
  mkdir "$stage/$1"
  show tar -C "$stage/$1" --xattrs --xattrs-include='*' --numeric-owner -xf "$archive"
  echo "$1" >"$stage/$1/etc/hostname"
}

# --- what is looked at --------------------------------------------------------------------------------------------

contents() { (cd "$stage/$1" && find . -xdev -type f -print0 | LC_ALL=C sort -z | xargs -0 sha256sum); }
# Everything a guest can see of its names but contents: type, mode, owner, size, link target, mtime to the second.
names() {
  (cd "$stage/$1" && find . -xdev \( -type d -printf '%p %y %m %U %G\n' -o -printf '%p %y %m %U %G %s %l %T@\n' \)) |
    sed 's/\.[0-9]*$//' | LC_ALL=C sort
}
image() { contents "$1"; names "$1"; }
remember() { for guest in $guests; do image "$guest" >"$root/seen.$guest"; done; }
is_as_it_was() {
  image "$1" | cmp -s - "$root/seen.$1" || { image "$1" | diff "$root/seen.$1" - | head -n 5; return 1; }
}
unchanged() { for guest in $guests; do is_as_it_was "$guest" || return 1; done; }

used() { sync -f "$stage"; df --output=used -B1 "$stage" | tail -n 1 | tr -d ' '; }
# Inodes behind the regular files of all guests, and names that lead to an inode another guest has, too.
inodes() { (cd "$stage" && find $guests -xdev -type f -printf '%i\n' | sort -u | wc -l); }
shared() { (cd "$stage" && find $guests -xdev -type f -printf '%i %H\n' | sort -u | cut -d' ' -f1 | uniq -d | wc -l); }
# The report has each number once a guest and once in all: the largest is the sum.
number() { grep -o "\"$1\": *[0-9]*" "$root/seen.json" | grep -o '[0-9]*$' | sort -n | tail -n 1; }
mib() { awk -v bytes="$1" 'BEGIN { printf "%.1f MiB", bytes / 1048576 }'; }
differ_by() { awk -v a="$1" -v b="$2" 'BEGIN { d = a - b; print d < 0 ? -d : d }'; }
now() { date +%s%N; }

# What no configuration tells of has a slash.
directories() { for guest in $guests; do printf './%s ' "$guest"; done; }

# Shows the report for people. Of the same run the numbers are wanted, too, and a run prints one report or the other:
# they come from the dry run before it, and df and the inodes have to agree with them.
run_vunify() {
  # shellcheck disable=SC2046  # a list of words
  vunify --state "$state" "$@" -n --json $(directories) >"$root/seen.json"
  # shellcheck disable=SC2046
  show vunify --state "$state" "$@" $(directories)
}

# --- the demo -----------------------------------------------------------------------------------------------------

take_down
mkdir -p "$stage" "$cache" "$state"
chmod 0700 "$root" "$state"

title 'A filesystem of its own, and three guests on it, each bootstrapped by itself'
exact=yes
truncate -s 2G "$root/fs.img"
mkfs.ext4 -q -F "$root/fs.img"
show mount -o loop "$root/fs.img" "$stage" || { exact=; echo '# no loop devices here: a plain directory, and df is not exact'; }
chmod 0755 "$stage"
for guest in $guests; do make_guest "$guest"; done
cd "$stage"
remember
show df -h "$stage"
used_before=$(used) inodes_before=$(inodes)

title 'Unify them'
started=$(now)
run_vunify --protect=immutable
took=$(( ($(now) - started) / 1000000 ))
freed=$(number freed_bytes) linked=$(number linked_files)
show df -h "$stage"
used_after=$(used) inodes_after=$(inodes) shared_after=$(shared)
claim "$linked names linked, $shared_after inodes shared by guests" [ "$linked" -gt 0 -a "$shared_after" -gt 0 ]
gained=$((used_before - used_after))
[ -z "$exact" ] ||
  claim "vunify says $(mib "$freed") freed, df says $(mib $gained)" [ "$(differ_by "$freed" "$gained")" -le 1048576 ]
claim 'every file of every guest is as it was: bytes, mode, owner, mtime' unchanged

title 'Again: nothing is left to do'
run_vunify --protect=immutable
claim '0 linked, 0 freed' [ "$(number linked_files)" = 0 -a "$(number freed_bytes)" = 0 ]

title 'A guest cannot change a file that others share'
victim=$(find g1/usr/bin -xdev -type f -links +2 | LC_ALL=C sort | head -n 1)
show ls -li "g1/${victim#g1/}" "g2/${victim#g1/}" "g3/${victim#g1/}"
echo "\$ echo changed >>$victim"
if (echo changed >>"$victim") 2>"$root/seen.error"; then fails 'the write is refused'; fi
sed 's/^.*: //' "$root/seen.error"
claim 'the write is refused, and all hashes are as before' unchanged

title 'Back again, and trees as at the start'
run_vunify -R
claim 'no inode is shared any more' [ "$(shared)" = 0 ]
claim 'trees as at the start' unchanged

title 'kill -9 in the middle'
pause=$((took / 2))
for _ in 1 2 3 4 5 6 7 8; do
  printf '$ vunify --protect=immutable ./g1 ./g2 ./g3 & sleep %d.%03d; kill -9 $!\n' $((pause / 1000)) $((pause % 1000))
  vunify --state "$state" --protect=immutable -q $(directories) &
  sleep "$(awk -v ms="$pause" 'BEGIN { print ms / 1000 }')"
  kill -9 $! 2>/dev/null || :
  status=0
  wait $! 2>/dev/null || status=$?
  caught=$(shared)
  echo "killed with $caught of $shared_after inodes shared"
  unchanged || fails 'all hashes are as before'
  [ $status != 137 ] || [ "$caught" = 0 ] || [ "$caught" -ge "$shared_after" ] || break
  if [ "$caught" = 0 ]; then pause=$((pause * 5 / 4 + 5)); continue; fi
  vunify --state "$state" -q -R $(directories)
  pause=$((pause * 3 / 5))
done
claim 'killed in the middle of its work' [ "$caught" -gt 0 -a "$caught" -lt "$shared_after" ]
holds 'all hashes are as before'
run_vunify --protect=immutable
claim "the next run finishes it: $shared_after inodes shared" [ "$(shared)" = "$shared_after" ]
claim 'all hashes are as before' unchanged

title 'And back'
run_vunify -R
claim 'trees as at the start' unchanged
[ -z "$exact" ] ||
  claim 'df as at the start' [ "$(differ_by "$(used)" "$used_before")" -le 1048576 ]

title 'Before and after'
printf '%-28s %14s %14s\n' '' before unified
printf '%-28s %14s %14s\n' 'used (df)' "$(mib "$used_before")" "$(mib "$used_after")"
printf '%-28s %14s %14s\n' 'inodes of regular files' "$inodes_before" "$inodes_after"
printf '%-28s %14s %14s\n' 'inodes shared by guests' 0 "$shared_after"
printf '%-28s %14s %14s\n' 'freed' '' "$(mib "$freed")"
printf '%-28s %14s %14s\n' 'time' '' "$((took / 1000)).$(printf %03d $((took % 1000))) s"

. "$here/demo_vcow.sh"

printf '\nAll claims hold. The three guests stay in %s for the next time; ./dev demo --clean removes them.\n' "$cache"
