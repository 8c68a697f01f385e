// SPDX-License-Identifier: Apache-2.0
#include "fleet/schema.h"

namespace vunify {

// Only what PostgreSQL, CockroachDB, YugabyteDB and Citus all take (docs/fleet.md): types text, date, bigint, double
// precision and bytea; keys; plain indexes.
std::string_view fleet_ddl() {
  return R"(CREATE TABLE IF NOT EXISTS fleet_host (
  host text NOT NULL,
  identity text NOT NULL,
  last_day date,
  available bigint,
  sketch_day date,
  key_id text NOT NULL DEFAULT '',
  names text NOT NULL DEFAULT '',
  PRIMARY KEY (host));
CREATE TABLE IF NOT EXISTS fleet_filesystem (
  host text NOT NULL,
  day date NOT NULL,
  fs text NOT NULL,
  path text NOT NULL,
  total bigint NOT NULL,
  used bigint NOT NULL,
  available bigint NOT NULL,
  guests bigint NOT NULL,
  logical bigint NOT NULL,
  exclusive bigint NOT NULL,
  fair bigint NOT NULL,
  PRIMARY KEY (host, day, fs));
CREATE TABLE IF NOT EXISTS fleet_usage (
  host text NOT NULL,
  day date NOT NULL,
  fs text NOT NULL,
  guest text NOT NULL,
  xid bigint,
  logical bigint NOT NULL,
  exclusive bigint NOT NULL,
  fair bigint NOT NULL,
  inodes bigint NOT NULL,
  deunify_need bigint NOT NULL,
  PRIMARY KEY (host, day, fs, guest));
CREATE TABLE IF NOT EXISTS fleet_sketch (
  host text NOT NULL,
  guest text NOT NULL,
  day date NOT NULL,
  least double precision NOT NULL,
  sample bytea NOT NULL,
  PRIMARY KEY (host, guest));
CREATE INDEX IF NOT EXISTS fleet_sketch_guest ON fleet_sketch (guest, host);
CREATE TABLE IF NOT EXISTS fleet_top (
  host text NOT NULL,
  hash bigint NOT NULL,
  size bigint NOT NULL,
  guests bigint NOT NULL,
  PRIMARY KEY (host, hash));
CREATE INDEX IF NOT EXISTS fleet_top_hash ON fleet_top (hash, host, size);
CREATE TABLE IF NOT EXISTS fleet_push (
  host text NOT NULL,
  day date NOT NULL,
  state text NOT NULL,
  taken bigint NOT NULL,
  names text NOT NULL,
  PRIMARY KEY (host, day));
)";
}

}  // namespace vunify
