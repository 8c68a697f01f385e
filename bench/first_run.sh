#!/bin/sh
# SPDX-License-Identifier: Apache-2.0
# The first real run, which links: vunify, and vunify --sledgehammer, against hardlink (util-linux) and the floor of
# linking (bench/link_floor.cc: three calls a link, and what to link is known), on copies of these trees on an ext4 of
# its own.
# hardlink first runs inside each tree, not counted, then across all of them: the space that gives is 100 %, for what is
# equal inside a guest is not vunify's to link. vunify gets the trees as they are, as a first run would. Three rounds, in
# turn, medians; the cache is warm, each run starts from an image that was never mounted before (reflinked on an XFS).
#
#   bench/first_run.sh BINDIR DIR DIR...      needs root, and twice the trees' space in $TMPDIR (/var/tmp)
set -eu
bin=$1
shift
work=$(mktemp -d "${TMPDIR:-/var/tmp}/first-run-XXXXXX")
mkdir "$work/pool" "$work/mnt"
loops=
cleanup() {
  umount -q "$work/mnt" || :
  for loop in $loops; do losetup -d "$loop" 2>/dev/null || :; done
  umount -q "$work/pool" || :
  losetup -j "$work/pool.img" -O NAME -n | xargs -r losetup -d
  rm -rf "$work"
}
trap cleanup EXIT
trap 'exit 130' INT TERM

# Directly, so that the cache holds everything once.
attach() { losetup --direct-io=on --show -f "$1"; }

mount_image() {
  loop=$(attach "$work/pool/$1")
  loops=$loop
  mount -o noatime "$loop" "$work/mnt"
}

unmount_image() {
  umount "$work/mnt"
  losetup -d "$loop"
  loops=
}

trees() { for tree in "$work"/mnt/*; do [ "${tree##*/}" = lost+found ] || echo "$tree"; done; }

megabytes=$(du -scm "$@" | tail -n 1 | cut -f 1)
truncate -s $((megabytes * 3 + 2048))M "$work/pool.img"
mkfs.xfs -q -m reflink=1 "$work/pool.img"
mount "$(attach "$work/pool.img")" "$work/pool"
truncate -s $((megabytes * 5 / 4 + 512))M "$work/pool/trees"
mkfs.ext4 -q -F -i 8192 -E lazy_itable_init=0,lazy_journal_init=0 "$work/pool/trees"
mount_image trees
rmdir "$work/mnt/lost+found"
cp -a "$@" "$work/mnt"
unmount_image
cp --reflink=always "$work/pool/trees" "$work/pool/linked-inside"
mount_image linked-inside
begin=$(date +%s%N)
for tree in $(trees); do hardlink -q "$tree"; done
inside=$(($(date +%s%N) - begin))
unmount_image

free_bytes() { stat -f -c '%f %S' "$work/mnt" | awk '{ printf "%.0f\n", $1 * $2 }'; }

run() {  # run NAME IMAGE COMMAND...: a line "nanoseconds bytes" a round
  name=$1
  cp --reflink=always "$work/pool/$2" "$work/pool/run"
  shift 2
  mount_image run
  # shellcheck disable=SC2046  # a list of words
  "$bin/floor" $(trees) >/dev/null
  sync
  before=$(free_bytes)
  begin=$(date +%s%N)
  # shellcheck disable=SC2046
  "$@" $(trees) >"$work/$name.log" 2>&1 || { cat "$work/$name.log" >&2; exit 1; }
  end=$(date +%s%N)
  sync
  echo "$((end - begin)) $(($(free_bytes) - before))" >>"$work/$name"
  unmount_image
  rm "$work/pool/run"
}

# The floor tells itself how long it linked.
link_floor() {
  mkdir "$work/mnt/.staging"
  "$bin/link_floor" "$work/mnt/.staging" "$@"
}

for _ in 1 2 3; do
  run link-floor trees link_floor
  run hardlink linked-inside hardlink -q
  for how in fresh sledgehammer; do
    rm -rf "$work/state"
    run "$how" trees "$bin/vunify" --protect=immutable --state "$work/state" $([ $how = fresh ] || echo --$how)
  done
  sed 's/seconds \([0-9.]*\) links \([0-9]*\)/\1 \2/' "$work/link-floor.log" >>"$work/links"
done

median() { sort -n "$work/$1" | sed -n 2p; }
{ median links; median hardlink; median sledgehammer; median fresh; } | awk -v inside="$inside" '
  function line(name, seconds) { printf "%-28s %8.2f s", name, seconds }
  NR == 1 { floor = $1; line("link floor", floor); printf " %10d links\n", $2; next }
  NR == 2 { hard = $1 / 1e9; all = $2; line("hardlink, inside each tree", inside / 1e9); print "" }
  { line(NR == 2 ? "hardlink, across" : NR == 3 ? "vunify --sledgehammer" : "vunify", $1 / 1e9)
    printf " %10.1f MB freed %7.2f %% %7.2f x as fast as hardlink %7.2f x the floor\n",
      $2 / 1e6, 100 * $2 / all, hard * 1e9 / $1, $1 / 1e9 / floor }'
