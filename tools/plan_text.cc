// SPDX-License-Identifier: Apache-2.0
#include <fmt/format.h>
#include <fmt/ranges.h>

#include <algorithm>

#include "tools/growth_words.h"
#include "tools/plan.h"
#include "tools/table.h"
#include "tools/text.h"

namespace vunify {
namespace {

std::string full_of(const Plan& plan) {
  if (!plan.growth.trend) return "not known yet";
  if (!plan.full) return "never, as it is";
  const auto early = plan.almost_full ? fmt::format("; 95 % {}", words_of(*plan.almost_full)) : "";
  return words_of(*plan.full) + early;
}

// Of the day that was so many before the last, or the one before it that there is a sample of.
std::optional<Point> before(const std::vector<Point>& points, Day days) {
  std::optional<Point> found;
  for (const auto& point : points)
    if (point.day <= points.back().day - days) found = point;
  return found;
}

std::string saved_of(const Plan& plan) {
  auto text = size_about(plan.saved.back().bytes) + " by what guests share";
  Day told = 0;
  for (const Day days : {7, 30, 365}) {
    const auto point = before(plan.saved, days);
    if (!point || plan.saved.back().day - point->day == told) continue;
    told = plan.saved.back().day - point->day;
    text += fmt::format("; {} before {}", counted(static_cast<std::uint64_t>(told), "day"), size_about(point->bytes));
  }
  return text;
}

std::string so_many(std::uint64_t guests) { return guests > 99'999 ? "any" : format_count(guests); }

// "2.0 GiB in 41 days (29 to 77)"
std::string limit_of(const GuestPlan& guest) {
  if (!guest.limit) return "-";
  return format_bytes(*guest.limit) + (guest.at_limit ? " " + words_of(*guest.at_limit) : "");
}

// Whoever outgrows his limit, the soonest first. Empty where nobody has one.
std::string limits_of(const Plan& plan, Day today) {
  std::vector<const GuestPlan*> limited, outgrown;
  for (const auto& guest : plan.guests) {
    if (guest.limit) limited.push_back(&guest);
    if (guest.at_limit) outgrown.push_back(&guest);
  }
  if (limited.empty()) return "";
  std::ranges::stable_sort(outgrown, {}, [](const GuestPlan* guest) { return guest->at_limit->early; });
  std::vector<std::string> parts;
  for (const auto* guest : outgrown)
    parts.push_back(fmt::format("{} outgrows {} {}", printable(guest->now.name), format_bytes(*guest->limit),
                                words_of(*guest->at_limit)));
  const auto unknown = std::ranges::find_if(limited, [](const GuestPlan* guest) { return !guest->growth.trend; });
  if (unknown != limited.end())
    parts.push_back(printable((*unknown)->now.name) + ": " + words_of((*unknown)->growth, today));
  if (parts.empty()) parts.emplace_back("nobody outgrows his, as it is");
  return fmt::format("  limits   {}\n", fmt::join(parts, "; "));
}

std::string contents_of(const Plan& plan) {
  if (plan.now.contents.empty()) return "";
  const auto& top = plan.now.contents.front();
  return fmt::format("  most     {} by {}:/{}, which {} have\n", size_about(static_cast<double>(top.saved())),
                     printable(top.guest), printable(top.path), counted(top.holders, "guest"));
}

std::string guests_of(const Plan& plan, Day today) {
  std::vector<std::vector<std::string>> rows{
      {"GUEST", "EXCLUSIVE", "SHARED", "GROWTH", "MORE FIT", "AT ONCE", "LIMIT IS REACHED"}};
  for (const auto& guest : plan.guests)
    rows.push_back({printable(guest.now.name), format_bytes(guest.now.usage.exclusive),
                    format_bytes(guest.now.usage.shared()), words_of(guest.growth, today),
                    so_many(guest.more.fit_when_settled), so_many(guest.more.fit_at_peak), limit_of(guest)});
  if (std::ranges::none_of(plan.guests, [](const GuestPlan& guest) { return guest.limit.has_value(); }))
    for (auto& row : rows) row.pop_back();
  return rows.size() > 1 ? table_of(rows) : "";
}

std::string text_of(const Plan& plan, Day today) {
  const auto& now = plan.now;
  auto text = fmt::format("{}: {} used, {} free; as of {}, {} since {}\n", printable(now.path), format_bytes(now.used),
                          format_bytes(now.available), date_of(day_of(now.taken)), counted(plan.used.size(), "sample"),
                          date_of(plan.used.front().day));
  const auto step = plan.growth.step ? ", after the step of " + date_of(*plan.growth.step) : "";
  text += fmt::format("  growth   {}{}\n", words_of(plan.growth, today), step);
  text += fmt::format("  full     {}\n", full_of(plan));
  text += fmt::format("  saved    {}\n", saved_of(plan)) + contents_of(plan) + limits_of(plan, today);
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

constexpr auto columns_explained =
    "MORE FIT: so many guests like it, once they are unified; AT ONCE: before they are. Growth is of what a guest has "
    "alone, or of all it has where its limit counts that. A limit counts files that share extents (XFS, btrfs) whole, "
    "so it may be reached earlier: see vdlimit.\n";

}  // namespace

std::string plan_text(const PlanReport& report) {
  std::string text;
  for (const auto& answer : report.answers) text += answer.answer + "\n";
  for (const auto& neighbours : report.neighbours) text += text_of(neighbours);
  if (!report.with_filesystems) return text;
  for (const auto& plan : report.filesystems) text += text_of(plan, report.today);
  return text + (report.filesystems.empty() ? "no sample yet: vplan record keeps one a day\n" : columns_explained);
}

}  // namespace vunify
