// SPDX-License-Identifier: Apache-2.0
#include "tools/json_bytes.h"
#include "tools/json_numbers.h"
#include "tools/vfleet.h"

namespace vunify {
namespace {

Json json_of(const FleetFilesystem& fs, Day today) {
  Json object;
  object["host"] = fs.host;
  object["uuid"] = fs.fs;
  object["path"] = fs.path;
  object["as_of"] = date_of(fs.day);
  object["total"] = fs.total;
  object["used"] = fs.used;
  object["available"] = fs.available;
  object["guests"] = fs.guests;
  object["logical"] = fs.usage.logical;
  object["exclusive"] = fs.usage.exclusive;
  object["fair"] = fs.usage.fair;
  object["stale"] = fs.growth.is_stale(today);
  const auto& trend = fs.growth.trend;
  object["bytes_a_day"] = trend ? whole(trend->slope) : Json(nullptr);
  object["full_in_days"] = nullptr;
  if (fs.full)
    object["full_in_days"] = {
        {"early", whole(fs.full->early)}, {"middle", whole(fs.full->middle)}, {"late", whole(fs.full->late)}};
  return object;
}

Json json_of(const FleetGuestUsage& guest) {
  return {{"name", guest.guest},
          {"filesystem", guest.fs},
          {"logical", guest.usage.logical},
          {"exclusive", guest.usage.exclusive},
          {"fair", guest.usage.fair},
          {"inodes", guest.usage.inodes},
          {"deunify_need", guest.usage.deunify_need}};
}

Json json_of(const Fit& fit) {
  return {{"host", fit.host},
          {"as_of", date_of(fit.day)},
          {"new", whole(fit.fresh.bytes)},
          {"new_deviation", whole(fit.fresh.deviation)},
          {"there", whole(fit.there.bytes)},
          {"there_deviation", whole(fit.there.deviation)},
          {"available", fit.free ? Json(*fit.free) : Json(nullptr)}};
}

Json json_of_guest(const FleetReport& report) {
  Json object;
  object["host"] = report.guest->host;
  object["name"] = report.guest->guest;
  object["as_of"] = date_of(report.fits.day);
  object["bytes"] = whole(report.fits.bytes.bytes);
  object["bytes_deviation"] = whole(report.fits.bytes.deviation);
  object["hosts_not_compared"] = report.fits.other_key;
  object["freed"] = report.freed ? Json(*report.freed) : Json(nullptr);
  object["fits"] = Json::array();
  for (const auto& fit : report.fits.hosts) object["fits"].push_back(json_of(fit));
  return object;
}

}  // namespace

std::string fleet_json(const FleetReport& report) {
  Json object;
  object["schema"] = "vunify.fleet/1";
  object["today"] = date_of(report.today);
  for (const auto* key : {"filesystems", "guests"}) object[key] = Json::array();
  for (const auto& fs : report.filesystems) object["filesystems"].push_back(json_of(fs, report.today));
  for (const auto& guest : report.guests) object["guests"].push_back(json_of(guest));
  object["guest"] = report.guest ? json_of_guest(report) : Json(nullptr);
  return object.dump() + "\n";
}

}  // namespace vunify
