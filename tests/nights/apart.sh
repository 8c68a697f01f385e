# SPDX-License-Identifier: Apache-2.0
# A host in namespaces of its own: it goes when its first process does, however that ends, and its mounts, loop devices
# and what was booted in it go with it.

# Ends the first process of the PID namespace, which takes all others along, and these the mounts and loop devices.
finish() {
  status=$?
  trap '' INT TERM
  kill -KILL "$(cat "/proc/$unshare/task/$unshare/children" 2>/dev/null)" 2>/dev/null || :
  wait "$unshare" || :
  find /sys/fs/cgroup -depth -type d -path "*/${work##*/}*" -exec rmdir {} \; 2>/dev/null || :
  rm -rf --one-file-system "$work"
  [ $status = 0 ] || echo "$name: FAILED" >&2
  exit $status
}

# Runs this script in there, as "--inside DIRECTORY ARGUMENT...". The directory goes, too.
apart() {  # apart NAME ARGUMENT...
  name=$1
  shift
  work=$(mktemp -d "/var/tmp/vunify-$name.XXXXXX")
  env --default-signal setpriv --pdeathsig KILL unshare --mount --pid --fork --kill-child --mount-proc \
    "$0" --inside "$work" "$@" </dev/null &
  unshare=$!
  trap finish EXIT
  trap 'exit 130' INT
  trap 'exit 143' TERM
  wait $unshare
}
