#!/bin/sh
# SPDX-License-Identifier: Apache-2.0
# What boots a stock Debian kernel in qemu, with neither network nor anything of this host but programs; read in by who
# wants one. It says $kernel, a package, and $cache, which keeps it.
# shellcheck disable=SC2154  # kernel, cache

work=$(mktemp -d /var/tmp/vunify-machine.XXXXXX)
trap 'rm -rf "$work"' EXIT
trap 'exit 130' INT TERM

# The package that the word means today.
fetch_kernel() {
  image=$(apt-cache depends "$kernel" | sed -n 's/.*Depends: \(linux-image-.*\)/\1/p')
  [ -d "$cache/$image" ] && return
  rm -rf "$cache/new"  # one that was broken off
  mkdir -p "$cache/new"
  (cd "$cache/new" && apt-get -q download "$image" && dpkg-deb -x ./*.deb . && rm ./*.deb)
  rm -rf "${cache:?}/$image"
  mv "$cache/new" "$cache/$image"
}

# Module by module, each after those that it needs; what is part of this kernel is no module.
take_modules() {
  version=${image#linux-image-}
  mkdir -p "$work/init/modules"
  [ -f "$cache/$image/lib/modules/$version/modules.dep" ] || (cd "$cache/$image" && busybox depmod -b . "$version")
  number=100 taken=
  for module; do
    ! grep -q "/$module\.ko" "$cache/$image/lib/modules/$version/modules.builtin" || continue
    needed=$(sed -n "s|^\(.*/$module\.ko[.xz]*\): *\(.*\)|\1 \2|p" "$cache/$image/lib/modules/$version/modules.dep")
    [ -n "$needed" ] || { echo "no module $module" >&2; exit 1; }
    # shellcheck disable=SC2086  # words
    for one in $(printf '%s\n' $needed | tac); do
      case $taken in *" $one "*) continue ;; esac
      taken="$taken $one "
      number=$((number + 1))
      xz -dcf "$cache/$image/lib/modules/$version/$one" >"$work/init/modules/$number.ko"
    done
  done
}

# take TREE PROGRAM...: with their libraries, where they lie here.
take() {
  tree=$1
  shift
  for program; do
    path=$(command -v "$program")
    for file in "$path" $(ldd "$path" 2>/dev/null | grep -o '/[^ ]*'); do
      mkdir -p "$tree/$(dirname "$file")"
      [ -e "$tree/$file" ] || cp -L "$file" "$tree/$file"
    done
  done
}

# The directories of its root, and what runs there.
begin_root() {  # begin_root SCRIPT
  for directory in bin dev etc lib64 mnt proc root run sbin srv sys tmp usr/bin usr/sbin usr/lib var/lib; do
    mkdir -p "$work/root/$directory"
  done
  cp "$(command -v busybox)" "$work/root/bin/busybox"
  cp "$1" "$work/root/inside.sh"
  cp "$(dirname "$1")/machine_inside.sh" "$work/root/"
  printf 'bin=%s\n' "$bin" >"$work/root/where"
}

# make_init [PROGRAM...]: what runs there first; inside.sh, unless another is named.
make_init() {
  first=${*:-/bin/busybox sh /inside.sh}
  mkdir -p "$work/init/bin" "$work/init/root"
  cp "$(command -v busybox)" "$work/init/bin/busybox"
  cat >"$work/init/init" <<'end'
#!/bin/busybox sh
for module in /modules/*; do /bin/busybox insmod $module; done
/bin/busybox mkdir -p /dev
/bin/busybox mount -t devtmpfs dev /dev
/bin/busybox mount -t ext4 /dev/vda /root
end
  echo "exec /bin/busybox switch_root /root $first" >>"$work/init/init"
  chmod +x "$work/init/init"
  (cd "$work/init" && find . | busybox cpio -o -H newc 2>/dev/null) >"$work/init.cpio"
}

drive() { printf -- '-drive file=%s,if=virtio,format=raw,cache=unsafe ' "$1"; }

# run_machine OPTION...: what it says is told, and is in $work/log. Never KVM: here it takes no kernel of ours. Its two
# processors take turns, unless $accel says more: at once, one may run what the other is just patching in the kernel.
run_machine() {
  started=$(date +%s)
  timeout "${limit:-600}" qemu-system-x86_64 -accel "${accel:-tcg,thread=single}" -cpu max -smp 2 \
    -nographic -nodefaults -serial stdio -no-reboot "$@" </dev/null | tr -d '\r' | tee "$work/log"
  echo "$(($(date +%s) - started)) s in the machine"
}

# boot IMAGE...: the first is its root, in which inside.sh runs. More for the kernel's command line is in $boot_with, for
# qemu's in $machine_with.
boot() {
  drives=
  for image_file; do drives="$drives $(drive "$image_file")"; done
  # shellcheck disable=SC2086  # words
  run_machine -m 1024 ${machine_with:-} -kernel "$cache/$image"/boot/vmlinuz-* -initrd "$work/init.cpio" $drives \
    -append "console=ttyS0 quiet panic=-1 no_timer_check ${boot_with:-}"
}

# boot_and_see ACT IMAGE...: ends where inside.sh does not say that all of it is as it should be.
boot_and_see() {
  act=$1
  shift
  boot "$@"
  grep -q "$act: all is as it should be$" "$work/log" || { echo "$act: FAILED" >&2; exit 1; }
}
