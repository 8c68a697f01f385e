// SPDX-License-Identifier: Apache-2.0
#include <fmt/format.h>
#include <fmt/ranges.h>

#include <algorithm>
#include <map>

#include "account/take_sample.h"
#include "tools/table.h"
#include "tools/text.h"
#include "tools/usage.h"

namespace vunify {
namespace {

using Row = std::vector<std::string>;

class UsageTable {
 public:
  UsageTable(const FilesystemUsage& filesystem, const UsageOptions& options)
      : filesystem_(filesystem), options_(options), sample_(filesystem.sample) {}

  std::string text() {
    Row head{"GUEST", "LOGICAL", "EXCLUSIVE", "SHARED", "FAIR", "SAVED", "INODES"};
    if (options_.with_need) head.push_back("NEED");
    rows_.push_back(std::move(head));
    add_holders();
    return table_of(rows_);
  }

 private:
  std::string size(std::uint64_t bytes) const { return format_size(bytes, options_.unit); }

  void add(const std::string& name, const Usage& usage) {
    Row row{name,
            size(usage.logical),
            size(usage.exclusive),
            size(usage.shared()),
            size(usage.fair),
            format_difference(usage.saved(), options_.unit),
            format_count(usage.inodes)};
    if (options_.with_need) row.push_back(size(usage.deunify_need));
    rows_.push_back(std::move(row));
  }

  void add_fair(const std::string& name, std::int64_t bytes) {
    Row row(rows_.front().size());
    row[0] = name;
    row[4] = format_difference(bytes, options_.unit);
    rows_.push_back(std::move(row));
  }

  bool stands_before(const Usage& one, const Usage& other) const {
    const auto a = key_of(one, options_.sort), b = key_of(other, options_.sort);
    return options_.reverse ? a < b : a > b;
  }

  void add_holders() {
    std::vector<std::size_t> order;
    std::vector<HolderSample> asked;
    for (std::size_t i = 0; i < sample_.holders.size(); ++i) {
      if (!filesystem_.is_asked[i]) continue;
      asked.push_back(sample_.holders[i]);
      if (key_of(sample_.holders[i].usage, options_.sort) >= options_.threshold) order.push_back(i);
    }
    std::ranges::stable_sort(order, [&](std::size_t one, std::size_t other) {
      return stands_before(sample_.holders[one].usage, sample_.holders[other].usage);
    });
    if (options_.top != 0 && order.size() > options_.top) order.resize(options_.top);
    for (const auto i : order) add_holder(i);
    if (asked.size() < 2) return;
    add("total", sum_of(asked));
    if (asked.size() < sample_.holders.size()) return;
    add_fair("unattributed", unattributed(sample_));
    add_fair("df", static_cast<std::int64_t>(sample_.used));
  }

  void add_holder(std::size_t number) {
    add(printable(sample_.holders[number].name), sample_.holders[number].usage);
    if (filesystem_.parts.empty()) return;
    auto parts = filesystem_.parts[number];
    std::erase_if(parts, [&](const UsageRow& row) { return key_of(row.usage, options_.sort) < options_.threshold; });
    std::ranges::stable_sort(
        parts, [&](const UsageRow& one, const UsageRow& other) { return stands_before(one.usage, other.usage); });
    if (options_.top != 0 && parts.size() > options_.top) parts.resize(options_.top);
    for (const auto& part : parts) add("  " + printable(part.name), part.usage);
  }

  const FilesystemUsage& filesystem_;
  const UsageOptions& options_;
  const Sample& sample_;
  std::vector<Row> rows_;
};

std::string contents_table(const FilesystemUsage& filesystem, const UsageOptions& options) {
  std::vector<Row> rows{{"FILE", "SIZE", "GUESTS", "SAVED"}};
  for (const auto& content : filesystem.contents) {
    std::string name = "(gone)";
    if (!content.names.empty()) {
      const auto& first = content.names.front();
      name = printable(filesystem.sample.holders[first.holder].name) + ":/" + printable(first.path);
    }
    rows.push_back({name, format_size(content.bytes, options.unit), std::to_string(content.holders.size()),
                    format_size(content.saved(), options.unit)});
  }
  return table_of(rows);
}

std::string parts_of_rest(const FilesystemUsage& filesystem, const UsageOptions& options) {
  const auto& sample = filesystem.sample;
  std::vector<std::string> parts;
  auto rest = unattributed(sample);
  const auto take = [&](std::uint64_t bytes, const char* what) {
    if (bytes != 0) parts.push_back(format_size(bytes, options.unit) + " " + what);
    rest -= static_cast<std::int64_t>(bytes);
  };
  take(sample.deleted_open, "deleted but open");
  if (filesystem.metadata) take(*filesystem.metadata, "metadata");
  parts.push_back(format_difference(rest, options.unit) +
                  (filesystem.metadata ? " parts of extents that nobody uses" : " metadata and journal"));
  return fmt::format("{}", fmt::join(parts, ", "));
}

std::string closing_of(const FilesystemUsage& filesystem, const UsageOptions& options) {
  const auto& sample = filesystem.sample;
  return fmt::format("{}: {} used by df = {} fair + {} unattributed ({})\n", printable(sample.path),
                     format_size(sample.used, options.unit), format_size(sum_of(sample.holders).fair, options.unit),
                     format_difference(unattributed(sample), options.unit), parts_of_rest(filesystem, options));
}

constexpr auto explanation = "fair: a shared file counts for each guest its size divided by the guests that share it.";

}  // namespace

std::uint64_t key_of(const Usage& usage, const std::string& sort) {
  const std::map<std::string, std::uint64_t> keys = {
      {"logical", usage.logical}, {"exclusive", usage.exclusive},
      {"shared", usage.shared()}, {"saved", usage.fair < usage.logical ? usage.logical - usage.fair : 0},
      {"inodes", usage.inodes},   {"need", usage.deunify_need},
      {"fair", usage.fair}};
  return keys.at(sort);
}

std::string usage_text(const UsageReport& report, const UsageOptions& options) {
  std::string text;
  for (const auto& filesystem : report.filesystems)
    text += options.by == "content" ? contents_table(filesystem, options) : UsageTable(filesystem, options).text();
  for (const auto& filesystem : report.filesystems) text += closing_of(filesystem, options);
  if (report.filesystems.empty()) return "no guests\n";
  if (!report.is_whole) text += "not all of it could be read: all sums are \"at least\".\n";
  const auto time = format_time(report.filesystems.front().sample.taken);
  return text + fmt::format("{} {} {}{}\n", explanation, report.is_fresh ? "Walked at" : "As of", time,
                            report.is_fresh ? "." : "; --fresh walks now.");
}

}  // namespace vunify
