# SPDX-License-Identifier: Apache-2.0
# A small guest made by rpm.
. "$here/nights/small.sh"
needs="$needs rpm rpmbuild"
beside=rpmnew

# Their %install has sh(1).
specs() {
  cat >base.spec <<end
Name: base
Version: 1.0
Release: 1
Summary: base
License: none
AutoReqProv: no
Provides: /bin/sh
%description
base
%install
. $here/nights/small.sh
base_files %{buildroot}
%files
/bin
/usr/share/texts
%config(noreplace) /etc/passwd
end
  cat >demo.spec <<end
Name: demo
Version: %{ver}
Release: 1
Summary: demo
License: none
AutoReqProv: no
%description
demo
%install
. $here/nights/small.sh
demo_files %{buildroot} %{ver}
%files
/usr/bin/demo
/usr/bin/demo-stays
%config(noreplace) /etc/kept.conf
%config /etc/plain.conf
end
}
build() { quietly rpmbuild -bb --define "_topdir $PWD" "$@"; }
build_packages() (
  mkdir -p "$work/rpm"
  cd "$work/rpm"
  specs
  build base.spec
  for version in 1.0 1.1; do build --define "ver $version" demo.spec; done
)
prepare() { build_packages; }
rpm_of() { rpm --root "$(at "$1")" --dbpath /var/lib/rpm "${@:2}"; }
make() { quietly rpm_of "$1" -i --nosignature "$work"/rpm/RPMS/*/base-*.rpm "$work"/rpm/RPMS/*/demo-1.0-*.rpm; }
upgrade() { quietly rpm_of "$1" -U --nosignature "$work"/rpm/RPMS/*/demo-1.1-*.rpm; }
# Changed configuration has a c.
verify() { rpm_of "$1" -Va | grep -vE '^..5.*  c /etc/(kept.conf|passwd)$'; }
conffiles() { rpm_of "$1" -qac; }
