#!/bin/sh
# A PostgreSQL 15 of Debian's, for as long as a test or bench runs: its data and its socket lie in DIR, which nobody else
# needs, and no port is open. It does not run as root, so there it is nobody.
#     postgres.sh start DIR [OPTION...]    options are those of postgres: -c shared_buffers=1GB
#     postgres.sh restart DIR
#     postgres.sh stop DIR
# Then: psql "host=DIR user=fleet dbname=postgres"
set -eu
verb=$1 dir=$2
shift 2
bin=/usr/lib/postgresql/15/bin
as=
[ "$(id -u)" != 0 ] || as='setpriv --reuid=65534 --regid=65534 --clear-groups'
cd /

case $verb in
  start)
    mkdir -p "$dir"
    [ -z "$as" ] || chown 65534:65534 "$dir"
    $as "$bin/initdb" -D "$dir/data" -A trust -U fleet -N --no-locale -E UTF8 --no-instructions >/dev/null
    $as "$bin/pg_ctl" -D "$dir/data" -s -w -l "$dir/log" -o "-k $dir -c listen_addresses= -c fsync=off $*" start ;;
  restart) $as "$bin/pg_ctl" -D "$dir/data" -s -w -l "$dir/log" -m fast restart ;;
  stop) $as "$bin/pg_ctl" -D "$dir/data" -s -m immediate stop ;;
esac
