# SPDX-License-Identifier: Apache-2.0
# podman, by a unit (tests/containers/etc/systemd/system/podman-one.service).
unit=podman-one.service
as=0

inside() { in_host podman exec one "$@"; }

try_podman() { holds; }
# podman 4.3 knows no --rootfs DIR:idmap yet: its root is a bind mount whose owners are shifted before it starts.
try_podman_users() {
  cp "$here/containers/shift_owners" "$host/etc/containers/"
  printf '#!/bin/sh\nmkdir -p /run/shifted/one\nexec /etc/containers/shift_owners %s/one /run/shifted/one 200000\n' \
    "$hosted" >"$host/etc/containers/before"
  chmod +x "$host/etc/containers/before"
  mkdir -p "$host/etc/systemd/system/podman-one.service.d"
  printf '[Service]\nEnvironment=PODMAN_ROOT=/run/shifted/one "PODMAN_USERS=--uidmap=0:200000:65536"\nExecStopPost=umount /run/shifted/one\n' \
    >"$host/etc/systemd/system/podman-one.service.d/users.conf"
  in_host systemctl daemon-reload
  as=200000
  holds
}
