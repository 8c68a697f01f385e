// SPDX-License-Identifier: Apache-2.0
#include <fmt/format.h>

#include <algorithm>
#include <cmath>

#include "tools/plan.h"
#include "tools/table.h"
#include "tools/text.h"

namespace vunify {
namespace {

constexpr double most_days = 3650;

std::string size(double bytes) { return format_bytes(static_cast<std::uint64_t>(std::llround(std::abs(bytes)))); }

std::string days(const std::optional<double>& days) {
  if (!days) return "never";
  return *days > most_days ? "10 years and more" : std::to_string(std::lround(*days));
}

// "12.3 MiB a day (8.1 MiB to 15.0 MiB)"
std::string growth_of(const Forecast& growth, Day today) {
  if (growth.is_stale(today)) return "no sample since " + date_of(growth.last->day);
  if (!growth.trend) return fmt::format("not enough samples ({} of {})", growth.samples, Forecast::least_samples);
  const auto& [slope, low, high] = *growth.trend;
  if (growth.trend->is_growing()) return fmt::format("{} a day ({} to {})", size(slope), size(low), size(high));
  if (growth.trend->is_falling())
    return fmt::format("falls by {} a day ({} to {})", size(slope), size(high), size(low));
  return "not growing clearly";
}

// "in 41 days (29 to 77)"
std::string when(const DaysLeft& left) {
  if (left.late == 0) return "now";
  if (!left.late) return fmt::format("in {} days at the earliest, or never", days(left.early));
  return fmt::format("in {} days ({} to {})", days(left.middle), days(left.early), days(left.late));
}

std::string full_of(const Plan& plan) {
  if (!plan.growth.trend) return "not known yet";
  if (!plan.full) return "never, as it is";
  const auto early = plan.almost_full ? fmt::format("; 95 % {}", when(*plan.almost_full)) : "";
  return when(*plan.full) + early;
}

// Of the day that was so many before the last, or the one before it that there is a sample of.
std::optional<double> before(const std::vector<Point>& points, Day days) {
  std::optional<double> bytes;
  for (const auto& point : points)
    if (point.day <= points.back().day - days) bytes = point.bytes;
  return bytes;
}

std::string saved_of(const Plan& plan) {
  auto text = size(plan.saved.back().bytes) + " by what guests share";
  for (const Day days : {7, 30, 365})
    if (const auto bytes = before(plan.saved, days)) text += fmt::format("; {} days before {}", days, size(*bytes));
  return text;
}

std::string so_many(std::uint64_t guests) { return guests > 99'999 ? "any" : format_count(guests); }

// "2.0 GiB in 41 days (29 to 77)"
std::string limit_of(const GuestPlan& guest) {
  if (!guest.limit) return "-";
  return format_bytes(*guest.limit) + (guest.at_limit ? " " + when(*guest.at_limit) : "");
}

std::string guests_of(const Plan& plan, Day today) {
  std::vector<std::vector<std::string>> rows{
      {"GUEST", "EXCLUSIVE", "SHARED", "GROWTH", "MORE FIT", "AT ONCE", "LIMIT IS REACHED"}};
  for (const auto& guest : plan.guests)
    rows.push_back({printable(guest.now.name), format_bytes(guest.now.usage.exclusive),
                    format_bytes(guest.now.usage.shared()), growth_of(guest.growth, today),
                    so_many(guest.more.fit_when_settled), so_many(guest.more.fit_at_peak), limit_of(guest)});
  if (std::ranges::none_of(plan.guests, [](const GuestPlan& guest) { return guest.limit.has_value(); }))
    for (auto& row : rows) row.pop_back();
  return rows.size() > 1 ? table_of(rows) : "";
}

std::string text_of(const Plan& plan, Day today) {
  const auto& now = plan.now;
  auto text = fmt::format("{}: {} used, {} free; as of {}, {} samples since {}\n", printable(now.path),
                          format_bytes(now.used), format_bytes(now.available), date_of(day_of(now.taken)),
                          plan.used.size(), date_of(plan.used.front().day));
  const auto step = plan.growth.step ? ", after the step of " + date_of(*plan.growth.step) : "";
  text += fmt::format("  growth   {}{}\n", growth_of(plan.growth, today), step);
  text += fmt::format("  full     {}\n", full_of(plan));
  text += fmt::format("  saved    {}\n", saved_of(plan));
  text += fmt::format("  upgrade  of all there is in all guests: up to {} until they are unified\n",
                      format_bytes(plan.upgrade.peak));
  return text + guests_of(plan, today);
}

std::string text_of(const GuestNeighbours& neighbours) {
  auto text = printable(neighbours.guest) + ":";
  for (const auto& [name, bytes] : neighbours.others)
    text += fmt::format(" {} {},", printable(name), format_bytes(bytes));
  if (neighbours.others.empty()) return text + " nothing in common with any\n";
  text.back() = '\n';
  return text;
}

constexpr auto explanation =
    "MORE FIT: so many guests like it, once they are unified; AT ONCE: before they are. Growth is of what limits "
    "count.\n";

}  // namespace

std::string plan_text(const PlanReport& report) {
  std::string text;
  for (const auto& answer : report.answers) text += answer.answer + "\n";
  for (const auto& neighbours : report.neighbours) text += text_of(neighbours);
  if (!report.with_filesystems) return text;
  for (const auto& plan : report.filesystems) text += text_of(plan, report.today);
  return text + (report.filesystems.empty() ? "no sample yet: vplan record keeps one a day\n" : explanation);
}

}  // namespace vunify
