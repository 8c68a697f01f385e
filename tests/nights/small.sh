# SPDX-License-Identifier: Apache-2.0
# A small guest of two packages, whoever makes them: base, busybox with what it needs, and demo, of which there is a
# newer version. Packages are built with this, too, by sh(1).
at_least=20
needs=busybox

base_files() {  # base_files DIRECTORY
  mkdir -p "$1/bin" "$1/etc" "$1/usr/share"
  cp "$(command -v busybox)" "$1/bin/busybox"
  for name in sh cat sed; do ln -s busybox "$1/bin/$name"; done
  echo root:x:0:0::/:/bin/sh >"$1/etc/passwd"
  cp -rL /usr/share/common-licenses "$1/usr/share/texts"
}
demo_files() {  # demo_files DIRECTORY VERSION
  mkdir -p "$1/etc" "$1/usr/bin"
  echo "demo $2" >"$1/usr/bin/demo"
  echo stays >"$1/usr/bin/demo-stays"
  echo "kept $2" >"$1/etc/kept.conf"
  echo "plain $2" >"$1/etc/plain.conf"
}

change() {
  inside "$1" /bin/sh -c 'echo mine >>/etc/kept.conf && sed -i s/root/admin/ /etc/passwd'
  upgrade "$1"
  expect_upgraded "$1"
}
# What was changed stays, and the newer one is put beside it.
expect_upgraded() {
  local found
  found=$(inside "$1" /bin/cat /usr/bin/demo /etc/kept.conf "/etc/kept.conf.$beside" | tr '\n' ,)
  [ "$found" = 'demo 1.1,kept 1.0,mine,kept 1.1,' ] || fail "$1 was not upgraded: $found"
}
