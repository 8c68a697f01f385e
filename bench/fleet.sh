#!/bin/sh
# SPDX-License-Identifier: Apache-2.0
# A made fleet in a PostgreSQL of its own, under /var/tmp: what the first push of its hosts takes (DAYS of history, 10 unless
# told, and sketches of all guests), a push of one more host, and each report; then the plans of all these statements, as the
# server logs them. Fails where one of them reads a table of more than 10,000 rows from end to end.
#
#   bench/fleet.sh BINDIR HOSTS GUESTS [DAYS [--copy]]
set -eu
bin=$1 hosts=$2 guests=$3 days=${4:-10} copy=${5:-}
source=$(cd "$(dirname "$0")/.." && pwd)
work=$(mktemp -d /var/tmp/fleet.XXXXXX)
chmod 711 "$work"
trap '"$source/tests/fleet/postgres.sh" stop "$work/pg" 2>/dev/null || :; rm -rf "$work"' EXIT
"$source/tests/fleet/postgres.sh" start "$work/pg" -c shared_buffers=1GB -c max_wal_size=8GB -c autovacuum=off
export PGHOST="$work/pg" PGUSER=fleet PGDATABASE=postgres
sql() { psql -XqAtc "$1"; }

"$bin/vfleet" schema | psql -Xq
"$bin/many_hosts" '' 1 "$hosts" "$guests" "$days" $copy
# A year of filesystems, in the order in which hosts bring it.
sql "INSERT INTO fleet_filesystem SELECT host, day - $days * k, fs, path, total, used, available, guests, logical, exclusive,
     fair FROM fleet_filesystem, generate_series(1, 400 / $days - 1) k ORDER BY 2, 1"
sql 'VACUUM ANALYZE'
big=none
for table in host filesystem usage sketch top push; do
  [ "$(sql "SELECT count(*) > 10000 FROM fleet_$table")" = f ] || big="$big|$table"
  sql "SELECT format('fleet_%s: %s rows, %s', '$table', count(*), pg_size_pretty(pg_total_relation_size('fleet_$table')))
       FROM fleet_$table"
done

# From here on each statement's plan goes to the log.
sql "ALTER DATABASE postgres SET session_preload_libraries = auto_explain"
sql "ALTER DATABASE postgres SET auto_explain.log_min_duration = 0"
one=$((hosts + 1)) guest=$(printf 'guest%06d' $((hosts / 2 * guests + 3))) there=$(printf 'host%05d' 1)
took() {  # took WHAT COMMAND...
  what=$1
  shift
  begin=$(date +%s%N)
  "$@" >"$work/out"
  echo "$what: $((($(date +%s%N) - begin) / 1000000)) ms"
}
echo 'one host more, the same again, and one day more:'
"$bin/many_hosts" '' "$one" 1 "$guests" "$days" $copy
"$bin/many_hosts" '' "$one" 1 "$guests" "$days" $copy
"$bin/many_hosts" '' "$one" 1 "$guests" $((days + 1)) $copy
took 'report' "$bin/vfleet" report
took "report --host $there" "$bin/vfleet" report --host "$there"
took "report --fit $guest" "$bin/vfleet" report --fit "$guest"
head -n 6 "$work/out"
took "report --move $guest $there" "$bin/vfleet" report --move "$guest" "$there"
cat "$work/out"

grep -oE '(Index Only Scan|Index Scan|Bitmap Heap Scan|Seq Scan)[a-z ]*( using [a-z_]+)? on fleet_[a-z_]+' "$work/pg/log" | sort | uniq -c
! grep -oE "Seq Scan on fleet_($big)" "$work/pg/log" || { echo 'a big table is read from end to end'; exit 1; }
