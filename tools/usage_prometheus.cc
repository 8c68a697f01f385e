// SPDX-License-Identifier: Apache-2.0
// node_exporter drops a file whole for one byte that is not UTF-8, and a series that is there twice without a word.
#include <fmt/format.h>

#include <functional>

#include "account/take_sample.h"
#include "tools/text.h"
#include "tools/usage.h"

namespace vunify {
namespace {

// FNV-1a: the same in every run, so that a series keeps its label.
std::uint32_t hash_of(const std::string& bytes) {
  std::uint32_t hash = 2166136261;
  for (const char byte : bytes) hash = (hash ^ static_cast<unsigned char>(byte)) * 16777619;
  return hash;
}

std::string in_utf8(const std::string& bytes) {
  if (is_utf8(bytes)) return bytes;
  std::string text;
  for (const char byte : bytes) text += static_cast<unsigned char>(byte) < 0x80 ? std::string(1, byte) : "\xEF\xBF\xBD";
  return fmt::format("{}#{:08x}", text, hash_of(bytes));
}

std::string label(const std::string& bytes) {
  std::string text;
  for (const char byte : in_utf8(bytes)) {
    if (byte == '\\' || byte == '"') text += '\\';
    text += byte == '\n' ? std::string("\\n") : std::string(1, byte);
  }
  return text;
}

std::string head(const char* name, const char* help) {
  return fmt::format("# HELP {0} {1}\n# TYPE {0} gauge\n", name, help);
}

using LineOf = std::function<std::string(const Sample&, const HolderSample&)>;

std::string lines(const UsageReport& report, const LineOf& line_of) {
  std::string text;
  for (const auto& filesystem : report.filesystems)
    for (std::size_t i = 0; i < filesystem.sample.holders.size(); ++i)
      if (filesystem.is_asked[i]) text += line_of(filesystem.sample, filesystem.sample.holders[i]);
  return text;
}

std::string bytes_of(const Sample& sample, const HolderSample& holder) {
  std::string text;
  const std::pair<const char*, std::uint64_t> kinds[] = {
      {"logical", holder.usage.logical}, {"exclusive", holder.usage.exclusive}, {"fair", holder.usage.fair}};
  for (const auto& [kind, bytes] : kinds)
    text += fmt::format("vunify_guest_bytes{{guest=\"{}\",fs=\"{}\",kind=\"{}\"}} {}\n", label(holder.name),
                        to_string(sample.fs), kind, bytes);
  return text;
}

std::string inodes_of(const Sample& sample, const HolderSample& holder) {
  return fmt::format("vunify_guest_inodes{{guest=\"{}\",fs=\"{}\"}} {}\n", label(holder.name), to_string(sample.fs),
                     holder.usage.inodes);
}

}  // namespace

std::string usage_prometheus(const UsageReport& report) {
  auto text = head("vunify_guest_bytes", "Bytes that a guest uses: as if alone, its own, and its fair share.") +
              lines(report, bytes_of) + head("vunify_guest_inodes", "Inodes that a guest has, shared ones too.") +
              lines(report, inodes_of) +
              head("vunify_filesystem_unattributed_bytes", "Bytes used by df that no guest and no host file has.");
  for (const auto& filesystem : report.filesystems)
    text += fmt::format("vunify_filesystem_unattributed_bytes{{fs=\"{}\"}} {}\n", to_string(filesystem.sample.fs),
                        unattributed(filesystem.sample));
  text += head("vunify_usage_last_success_timestamp_seconds", "When this was measured.");
  const auto taken = report.filesystems.empty() ? clock_now() : report.filesystems.front().sample.taken;
  return text + fmt::format("vunify_usage_last_success_timestamp_seconds {}\n", taken.sec);
}

}  // namespace vunify
