// SPDX-License-Identifier: Apache-2.0
#include "tools/usage_change.h"

#include <fmt/format.h>

#include <algorithm>

#include "tools/table.h"
#include "tools/text.h"

namespace vunify {
namespace {

std::int64_t difference(std::uint64_t now, std::uint64_t before) { return static_cast<std::int64_t>(now - before); }

class ChangeTable {
 public:
  ChangeTable(const FilesystemUsage& filesystem, const UsageOptions& options)
      : now_(filesystem.sample), before_(*filesystem.before), filesystem_(filesystem), options_(options) {}

  std::string text() {
    rows_.push_back({"GUEST", "LOGICAL", "EXCLUSIVE", "SHARED", "FAIR", "INODES"});
    for (std::size_t i = 0; i < now_.holders.size(); ++i)
      if (filesystem_.is_asked[i]) add_holder(now_.holders[i]);
    std::ranges::stable_sort(changes_, [&](const Change& one, const Change& other) {
      return options_.reverse ? one.key < other.key : one.key > other.key;
    });
    if (options_.top != 0 && changes_.size() > options_.top) changes_.resize(options_.top);
    for (auto& change : changes_) rows_.push_back(std::move(change.row));
    for (const auto& holder : before_.holders)
      if (options_.all && holder_in(now_, holder) == nullptr) add_row(holder.name + " (gone)", {}, holder.usage);
    return table_of(rows_) + closing();
  }

 private:
  struct Change {
    std::int64_t key = 0;
    Row row;
  };

  std::string size(std::int64_t bytes) const {
    return (bytes > 0 ? "+" : "") + format_difference(bytes, options_.unit);
  }

  Row row_of(const std::string& name, const Usage& now, const Usage& before) const {
    const auto change = change_of(now, before);
    const auto inodes = (change.inodes > 0 ? "+" : "") + std::to_string(change.inodes);
    return {printable(name),        size(change.logical),
            size(change.exclusive), size(change.logical - change.exclusive),
            size(change.fair),      inodes};
  }

  void add_row(const std::string& name, const Usage& now, const Usage& before) {
    rows_.push_back(row_of(name, now, before));
  }

  void add_holder(const HolderSample& holder) {
    const auto* before = holder_in(before_, holder);
    const auto was = before == nullptr ? Usage() : before->usage;
    const auto key = difference(key_of(holder.usage, options_.sort), key_of(was, options_.sort));
    changes_.push_back({key, row_of(before == nullptr ? holder.name + " (new)" : holder.name, holder.usage, was)});
  }

  std::string closing() const {
    const auto used = difference(now_.used, before_.used);
    return fmt::format("{}: {} by df, from {} to {}\n", printable(now_.path), size(used), format_time(before_.taken),
                       format_time(now_.taken));
  }

  const Sample& now_;
  const Sample& before_;
  const FilesystemUsage& filesystem_;
  const UsageOptions& options_;
  std::vector<Change> changes_;
  std::vector<Row> rows_;
};

}  // namespace

UsageChange change_of(const Usage& now, const Usage& before) {
  return {difference(now.logical, before.logical), difference(now.exclusive, before.exclusive),
          difference(now.fair, before.fair), difference(now.inodes, before.inodes)};
}

const HolderSample* holder_in(const Sample& sample, const HolderSample& holder) {
  const auto found = std::ranges::find_if(sample.holders, [&](const HolderSample& other) {
    return holder.key.empty() ? other.key.empty() && other.name == holder.name : other.key == holder.key;
  });
  return found == sample.holders.end() ? nullptr : &*found;
}

std::string change_text(const UsageReport& report, const UsageOptions& options) {
  std::string text;
  for (const auto& filesystem : report.filesystems)
    if (filesystem.before) text += ChangeTable(filesystem, options).text();
  return text;
}

}  // namespace vunify
