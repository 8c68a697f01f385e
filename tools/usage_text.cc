// SPDX-License-Identifier: Apache-2.0
#include <fmt/format.h>
#include <fmt/ranges.h>

#include "account/limit.h"
#include "account/take_sample.h"
#include "tools/table.h"
#include "tools/text.h"
#include "tools/usage.h"

namespace vunify {
namespace {

class UsageTable {
 public:
  UsageTable(const FilesystemUsage& filesystem, const UsageOptions& options)
      : filesystem_(filesystem), options_(options), sample_(filesystem.sample) {}

  std::string text() {
    Row head{"GUEST", "LOGICAL", "EXCLUSIVE", "SHARED", "FAIR", "SAVED", "INODES"};
    if (options_.with_need) head.push_back("NEED");
    if (!filesystem_.limits.empty()) head.insert(head.end(), {"LIMIT", "USED"});
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
    row.resize(rows_.front().size());
    rows_.push_back(std::move(row));
  }

  void add_fair(const std::string& name, std::int64_t bytes) {
    Row row(rows_.front().size());
    row[0] = name;
    row[4] = format_difference(bytes, options_.unit);
    rows_.push_back(std::move(row));
  }

  void add_holders() {
    for (const auto number : ordered_holders(filesystem_, options_)) add_holder(number);
    std::vector<HolderSample> asked;
    for (std::size_t i = 0; i < sample_.holders.size(); ++i)
      if (filesystem_.is_asked[i]) asked.push_back(sample_.holders[i]);
    if (asked.size() < 2) return;
    add("total", sum_of(asked));
    if (asked.size() < sample_.holders.size() || options_.apparent) return;
    if (unattributed(sample_) >= 0) add_fair("unattributed", unattributed(sample_));
    add_fair("df", static_cast<std::int64_t>(sample_.used));
  }

  void add_holder(std::size_t number) {
    add(printable(sample_.holders[number].name), sample_.holders[number].usage);
    if (!filesystem_.limits.empty()) add_limit(filesystem_.limit(number));
    if (filesystem_.parts.empty()) return;
    const auto& parts = filesystem_.parts[number];
    for (const auto row : ordered_parts(parts, options_)) add("  " + printable(parts[row].name), parts[row].usage);
  }

  // Of the last row.
  void add_limit(const UsedLimit* limit) {
    auto& row = rows_.back();
    row[row.size() - 2] = limit == nullptr ? "-" : size(limit->space);
    row[row.size() - 1] = limit == nullptr ? "-" : fmt::format("{:.0f}%", whole_percent * limit->ratio());
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
  if (unattributed(sample) < 0)
    return fmt::format(
        "{}: {} used by df, less than {} fair: it was written to meanwhile, or it shares, compresses or keeps "
        "elsewhere "
        "what its files take\n",
        printable(sample.path), format_size(sample.used, options.unit),
        format_size(sum_of(sample.holders).fair, options.unit));
  return fmt::format("{}: {} used by df = {} fair + {} unattributed ({})\n", printable(sample.path),
                     format_size(sample.used, options.unit), format_size(sum_of(sample.holders).fair, options.unit),
                     format_difference(unattributed(sample), options.unit), parts_of_rest(filesystem, options));
}

constexpr auto fair_explained =
    "fair: a shared file counts for each guest its size divided by the guests that share it.";

}  // namespace

std::string usage_text(const UsageReport& report, const UsageOptions& options) {
  std::string text;
  for (const auto& filesystem : report.filesystems) {
    if (report.filesystems.size() > 1) text += printable(filesystem.sample.path) + ":\n";
    text += options.by == "content" ? contents_table(filesystem, options) : UsageTable(filesystem, options).text();
  }
  for (const auto& filesystem : report.filesystems) text += options.apparent ? "" : closing_of(filesystem, options);
  if (report.filesystems.empty()) return "no guests\n";
  if (!report.is_whole) text += "not all of it could be read: all sums are \"at least\".\n";
  if (options.apparent) text += "sizes are lengths, whatever they take on disk.\n";
  const auto time = format_time(report.filesystems.front().sample.taken);
  return text + fmt::format("{} {} {}{}\n", fair_explained, report.is_fresh ? "Walked at" : "As of", time,
                            report.is_fresh || options.as_of ? "." : "; --fresh walks now.");
}

}  // namespace vunify
