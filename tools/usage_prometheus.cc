// SPDX-License-Identifier: Apache-2.0
#include <fmt/format.h>

#include <functional>

#include "account/take_sample.h"
#include "tools/prometheus.h"
#include "tools/usage.h"

namespace vunify {
namespace {

using LineOf = std::function<std::string(const Sample&, const HolderSample&)>;

std::string lines(const UsageReport& report, const LineOf& line_of) {
  std::string text;
  for (const auto& filesystem : report.filesystems)
    for (std::size_t i = 0; i < filesystem.sample.holders.size(); ++i)
      if (filesystem.is_asked[i]) text += line_of(filesystem.sample, filesystem.sample.holders[i]);
  return text;
}

std::string lines_of_bytes(const Sample& sample, const HolderSample& holder) {
  std::string text;
  const std::pair<const char*, std::uint64_t> kinds[] = {
      {"logical", holder.usage.logical}, {"exclusive", holder.usage.exclusive}, {"fair", holder.usage.fair}};
  for (const auto& [kind, bytes] : kinds)
    text += fmt::format("vunify_guest_bytes{{guest=\"{}\",fs=\"{}\",kind=\"{}\"}} {}\n", prometheus_label(holder.name),
                        to_string(sample.fs), kind, bytes);
  return text;
}

std::string line_of_inodes(const Sample& sample, const HolderSample& holder) {
  return fmt::format("vunify_guest_inodes{{guest=\"{}\",fs=\"{}\"}} {}\n", prometheus_label(holder.name),
                     to_string(sample.fs), holder.usage.inodes);
}

std::string limits_of(const UsageReport& report) {
  std::string bytes, ratios;
  for (const auto& filesystem : report.filesystems)
    for (std::size_t i = 0; i < filesystem.sample.holders.size(); ++i) {
      const auto* limit = filesystem.is_asked[i] ? filesystem.limit(i) : nullptr;
      if (limit == nullptr) continue;
      const auto labels = fmt::format("{{guest=\"{}\",fs=\"{}\"}}", prometheus_label(filesystem.sample.holders[i].name),
                                      to_string(filesystem.sample.fs));
      bytes += fmt::format("vunify_limit_bytes{} {}\n", labels, limit->space);
      ratios += fmt::format("vunify_limit_used_ratio{} {:.6f}\n", labels, limit->ratio());
    }
  if (bytes.empty()) return "";
  return prometheus_head("vunify_limit_bytes", "Bytes that a guest may use.") + bytes +
         prometheus_head("vunify_limit_used_ratio", "Of these, what it uses: 1 is all.") + ratios;
}

}  // namespace

std::string usage_prometheus(const UsageReport& report) {
  auto text =
      prometheus_head("vunify_guest_bytes", "Bytes that a guest uses: as if alone, its own, and its fair share.") +
      lines(report, lines_of_bytes) +
      prometheus_head("vunify_guest_inodes", "Inodes that a guest has, shared ones too.") +
      lines(report, line_of_inodes) + limits_of(report) +
      prometheus_head("vunify_filesystem_unattributed_bytes", "Bytes used by df that no guest and no host file has.");
  for (const auto& filesystem : report.filesystems)
    text += fmt::format("vunify_filesystem_unattributed_bytes{{fs=\"{}\"}} {}\n", to_string(filesystem.sample.fs),
                        unattributed(filesystem.sample));
  text += prometheus_head("vunify_usage_last_success_timestamp_seconds", "When this was measured.");
  const auto taken = report.filesystems.empty() ? clock_now() : report.filesystems.front().sample.taken;
  return text + fmt::format("vunify_usage_last_success_timestamp_seconds {}\n", taken.sec);
}

}  // namespace vunify
