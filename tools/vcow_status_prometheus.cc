// SPDX-License-Identifier: Apache-2.0
// A guest that calls its programs and files by ever new names must not fill whoever keeps the series: names of guests
// stand here, and they are the host's.
#include <fmt/format.h>

#include <functional>

#include "tools/prometheus.h"
#include "tools/vcow_status.h"

namespace vunify {
namespace {

// Nothing where it is not known of this one.
using NumberOfMount = std::function<std::optional<std::uint64_t>(const MountStatus&)>;

struct Series {
  const char* name;
  const char* help;
  const char* type;
  NumberOfMount number_of;
};

NumberOfMount of_serving(std::uint64_t Serving::*member) {
  return
      [member](const MountStatus& one) { return one.serving ? std::optional((*one.serving).*member) : std::nullopt; };
}

NumberOfMount of_use(std::uint64_t ProcessUse::*member) {
  return [member](const MountStatus& one) { return one.use ? std::optional((*one.use).*member) : std::nullopt; };
}

NumberOfMount of_noted(std::uint64_t Mounted::*member) {
  return [member](const MountStatus& one) { return std::optional(one.noted.*member); };
}

std::optional<std::uint64_t> last_break_of(const MountStatus& one) {
  if (!one.noted.last_break) return std::nullopt;
  return static_cast<std::uint64_t>(one.noted.last_break->sec);
}

std::vector<Series> all_series() {
  return {
      {"vunify_vcow_up", "Whether the vcow of a guest answers.", "gauge",
       [](const MountStatus& one) { return std::optional<std::uint64_t>(one.serving ? 1 : 0); }},
      {"vunify_vcow_passthrough", "Whether the kernel reads and writes files by itself.", "gauge",
       [](const MountStatus& one) { return std::optional<std::uint64_t>(one.noted.no_passthrough.empty() ? 1 : 0); }},
      {"vunify_vcow_nodes", "Files and directories that the kernel knows.", "gauge", of_serving(&Serving::nodes)},
      {"vunify_vcow_node_bytes", "Memory that these take.", "gauge", of_serving(&Serving::node_bytes)},
      {"vunify_vcow_open_files", "Files that are open.", "gauge", of_serving(&Serving::open_files)},
      {"vunify_vcow_backing_files", "Files that the kernel reads by itself.", "gauge",
       of_serving(&Serving::backing_files)},
      {"vunify_vcow_open_directories", "Directories kept open.", "gauge", of_serving(&Serving::directories)},
      {"vunify_vcow_held_inodes", "Inodes held open that no name leads to.", "gauge",
       of_serving(&Serving::held_inodes)},
      {"vunify_vcow_threads", "Threads of the process.", "gauge", of_use(&ProcessUse::threads)},
      {"vunify_vcow_resident_bytes", "Memory of the process.", "gauge", of_use(&ProcessUse::resident)},
      {"vunify_vcow_proportional_bytes", "Likewise; of what it shares its part.", "gauge",
       of_use(&ProcessUse::proportional)},
      {"vunify_vcow_broken_links_total", "Shared files that became the guest's own.", "counter",
       of_noted(&Mounted::broken_links)},
      {"vunify_vcow_copied_bytes_total", "Bytes copied for these.", "counter", of_noted(&Mounted::copied_bytes)},
      {"vunify_vcow_last_break_timestamp_seconds", "When the last of them did.", "gauge", last_break_of},
  };
}

// Where two mounts are of one guest, as a dead one beside its next, they are told apart by where they are.
std::string labels_of(const MountStatus& one) {
  return fmt::format("{{guest=\"{}\",mountpoint=\"{}\"}}", prometheus_label(one.guest),
                     prometheus_label(one.noted.mount_point));
}

}  // namespace

std::string mount_status_prometheus(const std::vector<MountStatus>& all) {
  std::string text;
  for (const auto& series : all_series()) {
    text += prometheus_head(series.name, series.help, series.type);
    for (const auto& one : all)
      if (const auto number = series.number_of(one))
        text += fmt::format("{}{} {}\n", series.name, labels_of(one), *number);
  }
  return text;
}

}  // namespace vunify
