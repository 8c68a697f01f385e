// SPDX-License-Identifier: Apache-2.0
#include <fmt/format.h>

#include <cmath>
#include <map>
#include <set>

#include "tools/growth_words.h"
#include "tools/table.h"
#include "tools/text.h"
#include "tools/vfleet.h"

namespace vunify {
namespace {

std::uint64_t whole_bytes(double bytes) { return static_cast<std::uint64_t>(std::llround(bytes)); }

std::uint64_t saved(const Usage& usage) { return usage.logical > usage.fair ? usage.logical - usage.fair : 0; }

// Twice the standard deviation: true in 19 of 20 cases. Nothing where everything was compared.
std::string error_of(const Estimate& estimate) {
  return estimate.deviation == 0 ? "" : " +- " + size_about(2 * estimate.deviation);
}

std::string full_of(const FleetFilesystem& fs) {
  if (!fs.growth.trend) return "not known";
  return fs.full ? words_of(*fs.full) : "never, as it is";
}

std::string filesystems_of(const FleetReport& report) {
  std::vector<std::vector<std::string>> rows{
      {"HOST", "FILESYSTEM", "AS OF", "GUESTS", "USED", "FREE", "SAVED", "GROWTH", "FULL"}};
  for (const auto& fs : report.filesystems)
    rows.push_back({one_line(fs.host), one_line(fs.path), date_of(fs.day), format_count(fs.guests),
                    format_bytes(fs.used), format_bytes(fs.available), format_bytes(saved(fs.usage)),
                    words_of(fs.growth, report.today), full_of(fs)});
  return table_of(rows);
}

std::string total_of(const FleetReport& report) {
  std::set<std::string> hosts;
  FleetFilesystem sum;
  std::uint64_t all_saved = 0;
  for (const auto& fs : report.filesystems) {
    hosts.insert(fs.host);
    sum.guests += fs.guests;
    sum.used += fs.used;
    sum.available += fs.available;
    all_saved += saved(fs.usage);
  }
  return fmt::format("hosts: {}, guests: {}; {} used, {} free, {} saved by what guests share\n",
                     format_count(hosts.size()), format_count(sum.guests), format_bytes(sum.used),
                     format_bytes(sum.available), format_bytes(all_saved));
}

std::string guests_of(const FleetReport& report) {
  std::map<std::string, std::string> paths;
  for (const auto& fs : report.filesystems) paths[fs.fs] = fs.path;
  std::vector<std::vector<std::string>> rows{{"GUEST", "FILESYSTEM", "LOGICAL", "EXCLUSIVE", "FAIR", "INODES"}};
  for (const auto& [fs, guest, usage] : report.guests)
    rows.push_back({one_line(guest), one_line(paths[fs]), format_bytes(usage.logical), format_bytes(usage.exclusive),
                    format_bytes(usage.fair), format_count(usage.inodes)});
  return rows.size() > 1 ? table_of(rows) : "";
}

std::string heading_of(const FleetReport& report) {
  return fmt::format("{} on {}: {}{} of files, as of {}\n", one_line(report.guest->guest), one_line(report.guest->host),
                     size_about(report.fits.bytes.bytes), error_of(report.fits.bytes), date_of(report.fits.day));
}

std::string free_of(const Fit& fit) { return fit.free ? format_bytes(*fit.free) : "not known"; }
bool has_room(const Fit& fit) { return !fit.free || whole_bytes(fit.fresh.bytes) <= *fit.free; }

std::string fits_of(const FleetReport& report) {
  auto text = heading_of(report);
  std::vector<std::vector<std::string>> rows{{"HOST", "NEW THERE", "THERE ALREADY", "FREE", "AS OF"}};
  for (const auto& fit : report.fits.hosts)
    rows.push_back({one_line(fit.host) + (has_room(fit) ? "" : " (does not fit)"),
                    size_about(fit.fresh.bytes) + error_of(fit.fresh),
                    size_about(fit.there.bytes) + error_of(fit.there), free_of(fit), date_of(fit.day)});
  text += rows.size() > 1 ? table_of(rows) : "no other host has pushed a sketch by the same key\n";
  if (report.fits.other_key > 0)
    text += fmt::format("not compared: {} hosts with sketches by another key, or none\n", report.fits.other_key);
  return text;
}

std::string move_of(const FleetReport& report) {
  const auto& fit = report.fits.hosts.front();
  const auto freed = *report.freed, fresh = whole_bytes(fit.fresh.bytes);
  auto text = heading_of(report);
  text +=
      fmt::format("  frees   {} on {}, which it has alone there\n", format_bytes(freed), one_line(report.guest->host));
  text += fmt::format("  takes   {}{} on {}, which has {} of it already; free: {}{}\n", format_bytes(fresh),
                      error_of(fit.fresh), one_line(fit.host), size_about(fit.there.bytes), free_of(fit),
                      has_room(fit) ? "" : ", it does not fit");
  return text + fmt::format("  {}   {}{} over both hosts\n", freed > fresh ? "saves" : "costs",
                            format_bytes(freed > fresh ? freed - fresh : fresh - freed), error_of(fit.fresh));
}

}  // namespace

std::string fleet_text(const FleetReport& report) {
  if (report.freed) return move_of(report);
  if (report.guest) return fits_of(report);
  if (report.filesystems.empty()) return "no host has pushed anything yet\n";
  return filesystems_of(report) + (report.guests.empty() ? total_of(report) : guests_of(report));
}

}  // namespace vunify
