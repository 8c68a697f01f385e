// SPDX-License-Identifier: Apache-2.0
#include "fleet/fit.h"

#include <fmt/format.h>

#include <algorithm>
#include <map>

#include "fleet/known_hosts.h"
#include "fleet/push.h"

namespace vunify {
namespace {

using Hosts = std::vector<KnownHost>;

constexpr std::size_t most_candidates = 20;

// Of these contents those that tell hosts apart: not more than half of them have it.
Values telling_contents(Database& database, const Sketch& sketch, std::size_t hosts) {
  Values probes;
  const auto top = sketch.smaller(HostSketches::top_size);
  for (const auto& kept : top.kept()) probes.emplace_back(static_cast<std::int64_t>(kept.hash));
  if (probes.empty()) return {};
  const auto rows = database.ask(
      fmt::format("SELECT hash, count(*) FROM fleet_top WHERE hash IN ({}) GROUP BY hash", places(1, probes.size())),
      probes);
  Values telling;
  for (std::size_t i = 0; i < rows.size(); ++i)
    if (static_cast<std::size_t>(rows.number(i, 1)) * 2 <= hosts) telling.emplace_back(rows.text(i, 0));
  return telling;
}

std::vector<std::string> find_candidates(Database& database, const Sketch& sketch, std::size_t hosts) {
  auto values = telling_contents(database, sketch, hosts);
  if (values.empty()) return {};
  const auto count = values.size();
  values.emplace_back(static_cast<std::int64_t>(sketch.smaller(HostSketches::top_size).least()));
  const auto rows = database.ask(
      fmt::format("SELECT host, sum(GREATEST(size, ${}::bigint)) AS bytes FROM fleet_top WHERE hash IN ({}) "
                  "GROUP BY host ORDER BY bytes DESC, host LIMIT {}",
                  count + 1, places(1, count), most_candidates + 1),
      values);
  std::vector<std::string> candidates;
  for (std::size_t i = 0; i < rows.size(); ++i) candidates.push_back(rows.text(i, 0));
  return candidates;
}

// Fewer than there may be are filled up with those that have most room: what they have of the guest is looked at, too.
void fill_up(std::vector<std::string>& candidates, Hosts hosts) {
  std::ranges::sort(hosts, std::greater{}, &KnownHost::available);
  for (const auto& host : hosts)
    if (candidates.size() <= most_candidates && std::ranges::find(candidates, host.name) == candidates.end())
      candidates.push_back(host.name);
}

// Whom a guest may be compared with.
void expect_known(const Hosts& hosts, const std::string& host, const std::string& own) {
  if (host == own) throw std::invalid_argument("is on " + host + " already");
  if (std::ranges::find(hosts, host, &KnownHost::name) == hosts.end())
    throw std::invalid_argument("no host " + host + " has pushed to the fleet");
}

struct StoredSketch {
  Sketch sketch;
  Day day = 0;
};

// By host. guest: "" is all of a host.
std::map<std::string, StoredSketch> read_sketches(Database& database, const std::string& guest,
                                                  const std::vector<std::string>& hosts) {
  std::map<std::string, StoredSketch> sketches;
  if (hosts.empty()) return sketches;
  Values values(hosts.begin(), hosts.end());
  values.push_back(guest);
  const auto rows =
      database.ask(fmt::format("SELECT host, day, least, sample FROM fleet_sketch WHERE host IN ({}) AND guest = ${}",
                               places(1, hosts.size()), values.size()),
                   values);
  for (std::size_t i = 0; i < rows.size(); ++i)
    sketches.insert({rows.text(i, 0), {sketch_from(rows.blob(i, 3), rows.real(i, 2)), day_from(rows.text(i, 1))}});
  return sketches;
}

// Takes out those whose sketches are by another key than this one's, or who have none; returns how many.
std::size_t leave_out_other_keys(Hosts& hosts, const std::string& own) {
  const auto here = std::ranges::find(hosts, own, &KnownHost::name);
  const std::string key_id = here == hosts.end() ? "" : here->key_id;
  return std::erase_if(hosts, [&](const KnownHost& host) { return host.key_id != key_id; });
}

std::vector<Fit> compare(const Sketch& sketch, const std::map<std::string, StoredSketch>& others, const Hosts& hosts) {
  std::vector<Fit> fits;
  for (const auto& [name, all] : others) {
    const auto host = std::ranges::find(hosts, name, &KnownHost::name);
    if (host == hosts.end()) continue;
    fits.push_back(
        {name, all.day, estimate_missing(sketch, all.sketch), estimate_shared(sketch, all.sketch), host->available});
  }
  std::ranges::sort(fits, {}, [](const Fit& fit) { return fit.fresh.bytes; });
  return fits;
}

}  // namespace

std::vector<FleetGuest> find_guests(Database& database, const std::string& guest) {
  const auto rows = database.ask("SELECT host FROM fleet_sketch WHERE guest = $1 ORDER BY host", {guest});
  std::vector<FleetGuest> found;
  for (std::size_t i = 0; i < rows.size(); ++i) found.push_back({rows.text(i, 0), guest});
  return found;
}

Fits find_fits(Database& database, const FleetGuest& guest, const std::optional<std::string>& to) {
  const auto own = read_sketches(database, guest.guest, {guest.host});
  if (own.empty()) throw std::invalid_argument("there is no sketch of this guest");
  const auto& [sketch, day] = own.begin()->second;
  auto hosts = read_known_hosts(database);
  if (to) expect_known(hosts, *to, guest.host);
  Fits fits{.hosts = {}, .bytes = estimate_shared(sketch, sketch), .day = day};
  fits.other_key = leave_out_other_keys(hosts, guest.host);
  auto candidates = to ? std::vector{*to} : find_candidates(database, sketch, hosts.size());
  if (!to) fill_up(candidates, hosts);
  std::erase(candidates, guest.host);
  fits.hosts = compare(sketch, read_sketches(database, all_guests, candidates), hosts);
  if (to && fits.hosts.empty()) throw std::invalid_argument(*to + " has pushed no sketch by the same key");
  return fits;
}

}  // namespace vunify
