# vunify every night, for a host that does not run systemd; on others vunify.timer does it. To have it, take the # from the
# last lines. It is silent unless something failed, and while another run is at work. The second keeps what
# is used, the third tells a fleet, where one is configured (vfleet(8)).
PATH=/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin

#25 1 * * * root test -d /run/systemd/system || test ! -x /usr/sbin/vunify || nice -n 19 vunify --all -q
#25 5 * * * root test -d /run/systemd/system || test ! -x /usr/sbin/vplan || nice -n 19 vplan record
#45 5 * * * root test -d /run/systemd/system || test ! -x /usr/sbin/vfleet || nice -n 19 vfleet push
