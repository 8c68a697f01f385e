// SPDX-License-Identifier: Apache-2.0
#include "tools/json_bytes.h"
#include "tools/json_numbers.h"
#include "tools/plan.h"

namespace vunify {
namespace {

Json json_of(const Forecast& growth, Day today) {
  Json object;
  object["samples"] = growth.samples;
  object["least_samples"] = Forecast::least_samples;
  object["stale"] = growth.is_stale(today);
  object["since_step"] = growth.step ? Json(date_of(*growth.step)) : Json(nullptr);
  const auto& trend = growth.trend;
  object["bytes_a_day"] = trend ? whole(trend->slope) : Json(nullptr);
  object["low"] = trend ? whole(trend->low) : Json(nullptr);
  object["high"] = trend ? whole(trend->high) : Json(nullptr);
  object["is_growing"] = trend ? Json(trend->is_growing()) : Json(nullptr);
  return object;
}

// Null: not known, or never.
Json json_of(const std::optional<DaysLeft>& left) {
  if (!left) return nullptr;
  return {{"early", whole(left->early)}, {"middle", whole(left->middle)}, {"late", whole(left->late)}};
}

Json json_of(const GuestPlan& guest, Day today) {
  Json object;
  put_bytes(object, "name", guest.now.name);
  object["xid"] = guest.now.xid ? Json(*guest.now.xid) : Json(nullptr);
  const auto& usage = guest.now.usage;
  object["logical"] = usage.logical;
  object["exclusive"] = usage.exclusive;
  object["fair"] = usage.fair;
  object["growth"] = json_of(guest.growth, today);
  object["more_fit"] = guest.more.fit_when_settled;
  object["more_fit_at_once"] = guest.more.fit_at_peak;
  object["limit"] = guest.limit ? Json(*guest.limit) : Json(nullptr);
  object["limit_used"] = guest.limit ? Json(guest.used) : Json(nullptr);
  object["at_limit_in_days"] = json_of(guest.at_limit);
  return object;
}

Json json_of(const std::vector<Point>& points) {
  Json days = Json::array();
  for (const auto& point : points) days.push_back({{"day", date_of(point.day)}, {"bytes", whole(point.bytes)}});
  return days;
}

Json json_of(const ContentSample& content) {
  Json object;
  put_bytes(object, "guest", content.guest);
  put_bytes(object, "path", content.path);
  object["bytes"] = content.bytes;
  object["guests"] = content.holders;
  object["saved"] = content.saved();
  return object;
}

Json json_of(const Plan& plan, Day today) {
  Json object;
  object["uuid"] = to_string(plan.now.fs);
  put_bytes(object, "path", plan.now.path);
  object["as_of"] = format_time(plan.now.taken);
  object["total"] = plan.now.total;
  object["used"] = plan.now.used;
  object["available"] = plan.now.available;
  object["growth"] = json_of(plan.growth, today);
  object["full_in_days"] = json_of(plan.full);
  object["almost_full_in_days"] = json_of(plan.almost_full);
  object["upgrade_of_all"] = plan.upgrade.peak;
  object["used_on"] = json_of(plan.used);
  object["saved_on"] = json_of(plan.saved);
  object["contents"] = Json::array();
  for (const auto& content : plan.now.contents) object["contents"].push_back(json_of(content));
  object["guests"] = Json::array();
  for (const auto& guest : plan.guests) object["guests"].push_back(json_of(guest, today));
  return object;
}

Json json_of(const GuestNeighbours& neighbours) {
  Json object;
  put_bytes(object, "guest", neighbours.guest);
  object["neighbours"] = Json::array();
  for (const auto& [name, bytes] : neighbours.others) {
    Json other;
    put_bytes(other, "guest", name);
    other["bytes"] = bytes;
    object["neighbours"].push_back(std::move(other));
  }
  return object;
}

Json json_of(const WhatIfAnswer& answer) {
  Json object = answer.numbers;
  put_bytes(object, "what_if", answer.question);
  object["answer"] = answer.answer;
  return object;
}

}  // namespace

std::string plan_json(const PlanReport& report) {
  Json object;
  object["schema"] = "vunify.plan/1";
  object["host"] = report.host;
  object["today"] = date_of(report.today);
  for (const auto* key : {"filesystems", "what_if", "neighbours"}) object[key] = Json::array();
  for (const auto& plan : report.filesystems) object["filesystems"].push_back(json_of(plan, report.today));
  for (const auto& answer : report.answers) object["what_if"].push_back(json_of(answer));
  for (const auto& neighbours : report.neighbours) object["neighbours"].push_back(json_of(neighbours));
  return object.dump() + "\n";
}

}  // namespace vunify
