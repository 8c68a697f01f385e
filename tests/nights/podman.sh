# SPDX-License-Identifier: Apache-2.0
# Guests that podman runs in their directories (--rootfs). It does not tell of those: they are configured as vservers.
. "$here/nights/chroot.sh"
needs="$needs podman crun"

podman() { command podman --root "$work/podman" --runroot "$work/podman.run" --cgroup-manager cgroupfs "$@"; }
# crun wants all of cgroup 2 and no other.
alone_with_cgroup2() {
  [ "$(stat -f -c %T /sys/fs/cgroup)" = cgroup2fs ] || mount -t cgroup2 cgroup2 /sys/fs/cgroup
}
start() {
  alone_with_cgroup2
  quietly podman run -d --name "$1" --cgroups=disabled --network none \
    --ulimit nofile=1024:1024 --ulimit nproc=1000:1000 --rootfs "$(tree "$1")" sleep infinity
}
inside() { podman exec "$@"; }
halt() { quietly podman rm -f -t 0 "$1"; }
