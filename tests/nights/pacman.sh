# SPDX-License-Identifier: Apache-2.0
# A small guest made by makepkg and pacman.
. "$here/nights/small.sh"
needs="$needs pacman makepkg bsdtar"
beside=pacnew

recipes() {
  cp "$here/nights/small.sh" .
  cat >base.pkgbuild <<end
pkgname=base pkgver=1.0 pkgrel=1 arch=(any) backup=(etc/passwd) options=(!strip)
package() { . "$PWD/small.sh"; base_files "\$pkgdir"; }
end
  for version in 1.0 1.1; do
    cat >demo-$version.pkgbuild <<end
pkgname=demo pkgver=$version pkgrel=1 arch=(any) backup=(etc/kept.conf etc/plain.conf)
package() { . "$PWD/small.sh"; demo_files "\$pkgdir" $version; }
end
  done
}
# makepkg does not run as root.
prepare() (
  mkdir -p "$work/pacman"
  chmod 711 "$work"
  cd "$work/pacman"
  recipes
  printf '[options]\nSigLevel = Never\nLocalFileSigLevel = Never\n' >conf
  chown -R nobody: .
  for recipe in *.pkgbuild; do
    quietly env HOME="$PWD" PKGEXT=.pkg.tar.gz setpriv --reuid=nobody --regid=nogroup --clear-groups \
      makepkg -f -d --nocheck -p "$recipe"
  done
)
pacman_in() {
  pacman --root "$(at "$1")" --config "$work/pacman/conf" --cachedir "$work/pacman/cache" --noconfirm "${@:2}"
}
make() {
  mkdir -p "$(tree "$1")/var/lib/pacman"
  quietly pacman_in "$1" -U "$work"/pacman/base-*.pkg.tar.gz "$work"/pacman/demo-1.0-*.pkg.tar.gz
}
upgrade() { quietly pacman_in "$1" -U "$work"/pacman/demo-1.1-*.pkg.tar.gz; }
verify() { pacman_in "$1" -Qkk 2>&1 | grep -vE ', 0 altered files$|^backup file: '; }
conffiles() { sed -n '/^%BACKUP%/,/^$/s/^\([^%\t]*\)\t.*/\/\1/p' "$(at "$1")"/var/lib/pacman/local/*/files; }
