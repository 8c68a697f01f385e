# SPDX-License-Identifier: Apache-2.0
# The same packages, out of repositories.
. "$here/nights/rpm.sh"
needs="$needs dnf createrepo_c"

prepare() (
  build_packages
  cd "$work/rpm"
  mkdir -p old new home
  cp RPMS/*/base-*.rpm RPMS/*/demo-1.0-*.rpm old
  cp RPMS/*/*.rpm new
  quietly createrepo_c old
  quietly createrepo_c new
  echo '%_dbpath /var/lib/rpm' >home/.rpmmacros
)
dnf_in() {  # dnf_in GUEST REPOSITORY WORDS...
  printf '[main]\ngpgcheck=0\nreposdir=/nonexistent\n[local]\nname=local\nbaseurl=file://%s\n' "$work/rpm/$2" \
    >"$work/dnf.conf"
  HOME=$work/rpm/home quietly dnf -y -c "$work/dnf.conf" --refresh --installroot="$(at "$1")" --releasever=1 "${@:3}"
}
make() { dnf_in "$1" old install base demo; }
upgrade() { dnf_in "$1" new upgrade; }
