# SPDX-License-Identifier: Apache-2.0
# A chroot, with a mount namespace of its own.
unit=vcow@var-lib-machines-one.service
as=0

# shellcheck disable=SC2016  # its own $0
inside() {
  in_host unshare --mount --pid --fork --kill-child \
    sh -ec 'mount -t proc proc "$0/proc"; exec chroot "$0" "$@"' "$hosted/one" "$@"
}
try_chroot() { holds; }
