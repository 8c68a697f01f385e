#!/bin/sh
# SPDX-License-Identifier: Apache-2.0
# What runs a script in User-Mode Linux, with this host's root beneath it, read-only; read in by who wants it. It says
# $kernel, the program, $work, and $cache, where logs stay.
# shellcheck disable=SC2154

tests=$(cd "$(dirname "$0")/../tests" && pwd)

scratch() {  # scratch NAME SIZE [OPTION...]: an ext4, made with these
  image=$work/$1.img
  truncate -s "$2" "$image"
  shift 2
  mkfs.ext4 -q -F "$@" "$image"
}

# uml NAME SCRIPT [ARGUMENT...]: /var/tmp is the image NAME. True where all went well; what is said goes to $cache/NAME.log.
# It has one CPU, so several of them can run at once; without console= and root= it would add its own behind the script's
# arguments. Its programs inherit no rseq: it could not unmap that. This shell waits for it so that a signal ends the wait.
uml() {
  name=$1
  shift
  GLIBC_TUNABLES=glibc.pthread.rseq=0 timeout -s KILL "${limit:-600}" "$kernel" mem=1500M ubd0="$work/$name.img" \
    console=tty0 con=null con0=fd:0,fd:1 quiet root=/dev/root rootfstype=hostfs rootflags=/ ro \
    init="$tests/kernel_inside.sh" -- /dev/ubda "$@" \
    </dev/null >"$cache/$name.log" 2>&1 &
  wait $! || :
  sed -i 's/\r$//' "$cache/$name.log"
  grep -q '^EXIT:0$' "$cache/$name.log"
}

# Of this run, wherever it stands. All processes of one have its command line.
end_machines() {
  grep -alsF "ubd0=$work/" /proc/[0-9]*/cmdline | while IFS=/ read -r _ _ process _; do
    kill -KILL "$process" 2>/dev/null || :
  done
}
