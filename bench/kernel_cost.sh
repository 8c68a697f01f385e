#!/bin/sh
# SPDX-License-Identifier: Apache-2.0
# kernel_cost.sh BIN CACHE: what kernel-cow costs a program that shares nothing: calls on a file of its own, in User-Mode
# Linux without the patch and with it, by turns; nanoseconds, the best of all rounds. Then what breaking a link takes.
set -eu
bin=$1 cache=$2
here=$(cd "$(dirname "$0")" && pwd)
work=$(mktemp -d /var/tmp/vunify-cost.XXXXXX)
trap 'rm -rf "$work"' EXIT
trap 'exit 130' INT TERM
rounds=5

. "$here/../tests/kernel_build.sh"
. "$here/../tests/uml.sh"

sed '/^CONFIG_FS_COWLINK/d' "$patches/uml.config" >"$work/plain.config"
build_kernel uml-plain 6.12 um linux "$work/plain.config" "$patches/uml-fp.patch"
plain=$kernel
build_kernel uml-6.12 6.12 um linux "$patches/uml.config" "$patches/linux-6.12.patch" "$patches/uml-fp.patch"
patched=$kernel

for round in $(seq $rounds); do
  for which in plain patched; do
    eval "kernel=\$$which"
    scratch cost 1G
    uml cost "$bin/kernel_cost" /var/tmp || { cat "$cache/cost.log"; exit 1; }
    sed -n "s/^\([a-z]*-*[a-z0-9]* [0-9]*\)$/$which \1/p" "$cache/cost.log" >>"$work/all"
  done
done

sort "$work/all" | awk '
  !(($1, $2) in best) || $3 < best[$1, $2] { best[$1, $2] = $3 }
  END {
    split("stat open-read open-write write", calls)
    split("0 4096 65536 1048576", sizes)
    for (i = 1; i <= 4; ++i)
      if (!(("plain", calls[i]) in best) || !(("patched", calls[i]) in best) || !(("patched", "break-" sizes[i]) in best)) {
        print "no figure for " calls[i] ", or a link of " sizes[i] " bytes"
        exit 1
      }
    print "ns a call     unpatched  patched"
    for (i = 1; i <= 4; ++i) printf "%-12s %10d %8d\n", calls[i], best["plain", calls[i]], best["patched", calls[i]]
    for (i = 1; i <= 4; ++i) printf "a link broken, %d bytes: %d us\n", sizes[i], best["patched", "break-" sizes[i]]
  }'
