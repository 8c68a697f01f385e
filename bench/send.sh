#!/bin/sh
# SPDX-License-Identifier: Apache-2.0
# vsend against rsync -aHAX --numeric-ids, plain and with -z (zstd), of one guest, between two filesystems: bytes through
# the pipe, both ways, and seconds until all is on disk, and of both processors' work. To an empty host; killed when half of it is there, and begun
# again, both together; to one that has other guests (rsync is told of them by --copy-dest, and looks there for equal
# paths); and there once more when it is there already, under another name. Warm cache, one round.
#
#   bench/send.sh BINDIR DIR SISTER...     needs root, and twice the trees' space in $TMPDIR (/var/tmp)
set -eu
bin=$1
guest=$2
shift 2
work=$(mktemp -d "${TMPDIR:-/var/tmp}/send-XXXXXX")
mkdir "$work/here" "$work/there"
cleanup() {
  umount -q "$work/here" "$work/there" || :
  rm -rf "$work"
}
trap cleanup EXIT
trap 'exit 130' INT TERM

for host in here there; do
  truncate -s $(($(du -smc "$guest" "$@" | tail -n 1 | cut -f 1) * 3 + 2048))M "$work/$host.image"
  mkfs.ext4 -q "$work/$host.image"
  mount -o loop,noatime "$work/$host.image" "$work/$host"
done
there=$work/there/vm
mkdir "$there"
cp -a "$guest" "$work/here/guest"
mkdir -p "$work/etc/.defaults"

# What reaches the other host: dd tells what went through, also where either end was killed. rsync waits for us before it
# closes the pipe.
cat >"$work/over" <<end
#!/bin/sh
[ "\$1" != there ] || shift
exec 3<&0
mkfifo "$work/\$\$"
dd bs=128K <&3 >"$work/\$\$" 2>>"$work/through" &
sh -c "\$*" <"$work/\$\$" | dd bs=128K 2>>"$work/through"
! kill -USR1 \$! 2>/dev/null || { sleep 0.05; kill \$!; }
end
chmod +x "$work/over"
bytes_through() { awk '/ copied/ { bytes += $1 } END { printf "%d", bytes }' "$work/through"; }

# send_by PROGRAM [OPTION...]
send_by() {
  program=$1
  shift
  case $program in
    vsend)
      exec "$bin/vsend" -q "$work/here/guest" --to "$work/over $bin/vreceive --config $work/etc --state $work/state $there/new"
      ;;
    rsync) ;;
    rsync-z) set -- -z --zc=zstd "$@" ;;
  esac
  exec rsync -aHAX --numeric-ids -e "$work/over" "$@" "$work/here/guest/" "there:$there/new/"
}

# Kills the sender once so many MiB are there.
cut_off() { # MIB PROGRAM
  (send_by "$2") >/dev/null 2>&1 &
  sender=$!
  while [ "$(du -sm "$there" 2>/dev/null | cut -f 1)" -lt "$1" ]; do kill -0 $sender 2>/dev/null || break; done
  kill -9 $sender 2>/dev/null || :
  wait $sender 2>/dev/null || :
  sleep 1 # for the other end to see it
}

# Of all programs waited for: to a file, for in a pipeline a shell of its own has waited for none.
processor_seconds() {
  times >"$work/times"
  tail -n 1 "$work/times" | tr ms '  ' | awk '{ print $1 * 60 + $2 + $3 * 60 + $4 }'
}

# measure WHAT PROGRAM [OPTION...]
measure() {
  what=$1
  shift
  sync -f "$there"
  from=$(date +%s%N)
  processor_seconds >"$work/busy"
  (send_by "$@") >"$work/out" || echo "  $what: $1 failed" >&2
  sync -f "$there"
  milliseconds=$((($(date +%s%N) - from) / 1000000))
  processor_seconds >"$work/busy-now"
  printf '%-28s %-8s %12d bytes %5d.%03d s, of processors %6.2f\n' "$what" "$1" "$(bytes_through)" \
    $((milliseconds / 1000)) $((milliseconds % 1000)) "$(paste -d' ' "$work/busy-now" "$work/busy" | awk '{ print $1 - $2 }')"
  rm -rf "$there/new" "$there/.vreceive" "$work/through"
}

find "$work/here/guest" -type f -exec cat {} + >"$work/out" # into the cache
: >"$work/out"
half=$(($(du -sm "$guest" | cut -f 1) / 2))
programs='rsync rsync-z vsend'
for program in $programs; do measure 'empty host' "$program"; done
for program in $programs; do
  cut_off $half "$program"
  measure 'begun again, both together' "$program"
done

names=
options=
for sister; do
  cp -a "$sister" "$there/"
  names="$names $there/$(basename "$sister")"
  options="$options --copy-dest=$there/$(basename "$sister")"
done
# shellcheck disable=SC2086  # words
"$bin/vunify" -q --state "$work/state" --protect=immutable $names
# shellcheck disable=SC2086  # words
for program in $programs; do measure "$# other guests there" "$program" $options; done

cp -a "$work/here/guest" "$there/the-same"
options="--copy-dest=$there/the-same"
"$bin/vunify" -q --state "$work/state" --protect=immutable "$there/the-same"
for program in $programs; do measure 'the same guest there' "$program" $options; done
