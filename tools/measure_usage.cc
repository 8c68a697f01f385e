// SPDX-License-Identifier: Apache-2.0
#include "tools/measure_usage.h"

#include <algorithm>

#include "account/take_sample.h"
#include "host/root_key.h"
#include "sys/btrfs_data.h"
#include "tools/divide_usage.h"
#include "tools/text.h"
#include "tools/usage_history.h"

namespace vunify {
namespace {

class Opening {
 public:
  Opening(const AskedRoots& roots, const UsageOptions& options) : roots_(roots), options_(options) {}

  AskedHolders open() {
    auto opened = open_holders(roots_.known);
    found_.is_whole = roots_.is_whole && opened.refused.empty();
    for (const auto& refusal : opened.refused) complain(printable(refusal.path) + ": " + one_line(refusal.reason));
    for (auto& held : opened.filesystems) add(std::move(held));
    return std::move(found_);
  }

 private:
  bool is_asked(const Holder& holder) const {
    if (options_.all) return true;
    const HeldInode inode{holder.root.dev, holder.root.ino};
    return holder.name != host_name && std::ranges::find(roots_.inodes, inode) != roots_.inodes.end();
  }

  void add(HeldFilesystem held) {
    std::vector<bool> asked;
    for (const auto& holder : held.holders) asked.push_back(is_asked(holder));
    if (std::ranges::find(asked, true) == asked.end()) return;
    auto part = division_of(held, asked, options_);
    const auto files = inodes_of_last(held.fs, options_);
    found_.filesystems.push_back({std::move(held), asked, std::move(part), files});
  }

  const AskedRoots& roots_;
  const UsageOptions& options_;
  AskedHolders found_;
};

MeasureRules rules_for(const AskedHolders::One& one, const UsageOptions& options) {
  MeasureRules rules;
  constexpr unsigned contents = 20;
  if (options.by == "content") rules.contents = options.top != 0 ? options.top : contents;
  rules.part = one.part;
  rules.files = one.files;
  rules.apparent = options.apparent;
  return rules;
}

std::vector<UsageContent> name_contents(const HeldFilesystem& held, const std::vector<Content>& contents,
                                        const Stop& stop) {
  std::vector<HeldInode> inodes;
  for (const auto& content : contents) inodes.push_back(content.inode);
  const auto names = contents.empty() ? decltype(find_names(held, inodes, stop))() : find_names(held, inodes, stop);
  std::vector<UsageContent> named;
  for (const auto& content : contents)
    named.push_back({content.bytes, content.holders, names.at({content.inode.dev, content.inode.ino})});
  return named;
}

// By which a guest is known over the years.
void add_keys(const HeldFilesystem& held, Sample& sample) {
  const auto mounts = read_mounts();
  for (std::size_t i = 0; i < held.holders.size(); ++i)
    if (held.holders[i].name != host_name) sample.holders[i].key = root_key(held.holders[i].path, mounts).value_or("");
}

FilesystemUsage measure_one(const AskedHolders::One& one, const UsageOptions& options, const Stop& stop,
                            Counters& counters, bool& is_whole) {
  const auto measured = measure(one.held, rules_for(one, options), stop, counters);
  FilesystemUsage usage{take_sample(one.held, measured), one.is_asked, {}, {}};
  if (const auto data = btrfs_data_used(one.held.holders.front().tree.open_directory("").get()))
    usage.metadata = usage.sample.used - *data;
  add_keys(one.held, usage.sample);
  for (const auto& unread : measured.failed) {
    complain(printable(one.held.holders[unread.holder].name) + ": /" + printable(unread.path) + ": " + unread.reason);
    is_whole = false;
  }
  for (std::size_t i = 0; one.part && i < one.held.holders.size(); ++i)
    usage.parts.push_back(rows_of(measured.parts, i, options));
  usage.contents = name_contents(one.held, measured.contents, stop);
  return usage;
}

}  // namespace

AskedHolders open_asked(const AskedRoots& roots, const UsageOptions& options) { return Opening(roots, options).open(); }

UsageReport measure_usage(const AskedHolders& asked, const UsageOptions& options, const Stop& stop,
                          Counters& counters) {
  UsageReport report;
  report.is_fresh = true;
  report.is_apparent = options.apparent;
  report.is_whole = asked.is_whole;
  for (const auto& one : asked.filesystems)
    if (!stop.requested()) report.filesystems.push_back(measure_one(one, options, stop, counters, report.is_whole));
  return report;
}

}  // namespace vunify
