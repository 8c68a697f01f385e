# SPDX-License-Identifier: Apache-2.0
# Guests as util-vserver configures them, entered by chroot(8).
provider=vserver
hosted=/mnt

tree() { echo "$hosted/$1"; }
configure() {
  mkdir -p "$work/config/$1"
  ln -s "$(tree "$1")" "$work/config/$1/vdir"
}
start() { :; }
inside() {
  local tree
  tree=$(tree "$1")
  shift
  chroot "$tree" "$@"
}
halt() { :; }
