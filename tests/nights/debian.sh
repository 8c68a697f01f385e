# SPDX-License-Identifier: Apache-2.0
# Debian: bootstrapped without its security updates; a guest then gets these. What it needs is in apt's cache before,
# for not every container has a network.
at_least=3000
needs='mmdebstrap apt-get'

sources() {
  # shellcheck disable=SC2016  # apt-get's own variables
  apt-get indextargets --format 'deb $(REPO_URI) $(RELEASE) $(COMPONENT)' 'Created-By: Packages' |
    grep -E "/debian(-security)?/? bookworm(-updates|-security)? main\$"
}
prepare() {
  base=$work/debian
  [ ! -d "$base" ] || return 0
  if [ -n "$from" ]; then cp -a "$from" "$base"; else
    sources | grep -v -e -security -e -updates | mmdebstrap --quiet --variant=minbase \
      --include=systemd-sysv,dbus,openssh-server,cron --aptopt='Acquire::Check-Valid-Until "false"' bookworm "$base" -
  fi
  sources >"$base/etc/apt/sources.list"
  apt-config dump | grep -E '^Acquire::(https?::|Check-)' >"$base/etc/apt/apt.conf.d/99reach" || :
  echo force-unsafe-io >"$base/etc/dpkg/dpkg.cfg.d/nights"
  cp -L /etc/resolv.conf /etc/hosts "$base/etc/"
  quietly chroot "$base" sh -ec 'apt-get -q update; apt-get -qdy dist-upgrade; apt-get -qdy install figlet
    apt-get -qdy --reinstall install coreutils; rm /var/lib/apt/lists/*_* /var/cache/apt/*.bin'
}
make() { cp -a "$work/debian/." "$(tree "$1")"; }
change() {
  quietly inside "$1" env DEBIAN_FRONTEND=noninteractive LC_ALL=C PATH=/usr/sbin:/usr/bin:/sbin:/bin sh -ec '
    apt-get -qy --reinstall -o Dpkg::Use-Pty=0 install /var/cache/apt/archives/*.deb
    useradd --create-home demo && ldconfig && echo "# mine" >>/etc/crontab
    figlet vcow'
}
# Changed configuration has a c.
verify() { chroot "$(at "$1")" dpkg -V | grep -v '^..5...... c /etc/crontab$'; }
conffiles() { chroot "$(at "$1")" dpkg-query -W -f '${Conffiles}\n' | awk '{ print $1 }'; }
