# SPDX-License-Identifier: Apache-2.0
# Whether a guest is as it was, to the last byte. at GUEST tells where its files are seen.

# All that a guest sees of its files: bytes, metadata, times to the second, attributes, and which names are one inode.
image() {
  cd "$(at "$1")"
  find . -xdev -type f -print0 | LC_ALL=C sort -z | xargs -0 sha256sum
  find . -xdev \( -type d -printf '%T@ %p %y %m %U %G\n' -o -printf '%T@ %p %y %m %U %G %s %l\n' \) |
    sed -E 's/^([0-9]+)\.[0-9]+/\1/' | LC_ALL=C sort
  getfattr -R -P -h -d -m '^(user|security|system)\.' . 2>/dev/null || :
  find . -xdev -type f -links +1 -printf '%i %p\n' | LC_ALL=C sort -k 2 |
    awk '{ names[$1] = names[$1] " " $2; count[$1]++ }
      END { for (i in names) if (count[i] > 1) print "one:" names[i] }' | LC_ALL=C sort
}
remember() { for guest; do (image "$guest") >"$work/image.$guest"; done; }
expect_as_they_were() {
  for guest; do
    (image "$guest") >"$work/now"
    cmp -s "$work/now" "$work/image.$guest" && continue
    diff "$work/image.$guest" "$work/now" | head >&2 || :
    fail "$guest is not as it was"
  done
}
