#!/bin/sh
# SPDX-License-Identifier: Apache-2.0
# kernel_patch.sh SOURCE...: of each unpacked kernel source, as Debian ships it: kernel-cow/make-patch makes the patch that
# is shipped, it goes in without fuzz, and the kernel's own checkpatch.pl has nothing to say. Changes nothing there.
# checkpatch is not asked for whom it is signed off by: the patch is sent to nobody.
set -eu
here=$(cd "$(dirname "$0")/.." && pwd)
work=$(mktemp -d /var/tmp/vunify-patch.XXXXXX)
trap 'rm -rf "$work"' EXIT

fail() { echo "kernel_patch: $*" >&2; exit 1; }

# The files that the patch changes, alone: a whole source is 1.5 GB.
take_changed() {  # take_changed SOURCE PATCH
  rm -rf "$work/tree"
  mkdir "$work/tree"
  sed -n 's|^--- a/||p' "$2" | while read -r file; do
    mkdir -p "$work/tree/$(dirname "$file")"
    cp "$1/$file" "$work/tree/$file"
  done
}

for source; do
  release=$(sed -n 's/^VERSION = //p; s/^PATCHLEVEL = /./p' "$source/Makefile" | tr -d '\n')
  shipped=$here/kernel-cow/linux-$release.patch
  "$here/kernel-cow/make-patch" "$source" >"$work/made.patch" || fail "$source: cannot be patched"
  diff -u "$shipped" "$work/made.patch" >&2 || fail "$shipped: not what make-patch makes"
  take_changed "$source" "$shipped"
  patch -d "$work/tree" -p1 -F0 --dry-run <"$shipped" >"$work/log" || fail "$shipped: $(cat "$work/log")"
  (cd "$source" && perl scripts/checkpatch.pl -q --no-signoff "$shipped") || fail "$shipped: checkpatch.pl"
  echo "kernel_patch: $release is as it should be"
done
