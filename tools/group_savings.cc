// SPDX-License-Identifier: Apache-2.0
#include "tools/group_savings.h"

#include <set>

#include "db/bytes.h"
#include "hashindex/digest.h"
#include "survey/scan.h"
#include "tools/choose.h"
#include "tools/cli.h"
#include "tools/data_place.h"
#include "tools/learn_conffiles.h"
#include "tools/text.h"
#include "tools/walk_contents.h"

namespace vunify {
namespace {

// Names that the guest gave an inode itself stay together.
bool may_be_shared(const File& file) {
  if (file.stamp.size == 0 || (file.nlink > 1 && !file.marked)) return false;
  return file.verdict == Verdict::open || file.verdict == Verdict::shared;
}

// Inodes are linked only where they are alike; data is shared between any.
std::string content_of(const std::string& path, const File& file, bool shares_data) {
  auto content = likely_content(path, file);
  if (shares_data) return content;
  std::string alike;
  put(alike, file.uid);
  put(alike, file.gid);
  put(alike, std::uint32_t{file.mode});
  return alike + content;
}

// The inodes of each content so far.
class ContentsSoFar {
 public:
  void add(const Guest& guest, const Tree& tree) {
    const bool shares_data = guest.mount.type == "xfs" || guest.mount.type == "btrfs";
    for (std::uint32_t i = 0; i < tree.files().size(); ++i) {
      const auto& file = tree.file(i);
      if (!may_be_shared(file) || !seen_.insert(file.ino).second) continue;
      const auto path = tree.path(i);
      const bool is_new = contents_.insert(key_.of(content_of(path, file, shares_data)).low).second;
      const bool lies_apart = !shares_data || lies_at_new_place(guest.root, path);
      if (!is_new && lies_apart) savings.bytes += file.bytes_on_disk();
    }
    ++savings.guests;
  }

  GroupSavings savings;

 private:
  bool lies_at_new_place(const RootDir& root, const std::string& path) {
    const auto place = data_place(root, path);
    return !place || places_.insert(*place).second;
  }

  DigestKey key_;
  std::set<std::uint64_t> seen_;  // inodes
  std::set<std::uint64_t> contents_;
  std::set<std::uint64_t> places_;  // where data begins on disk
};

}  // namespace

std::vector<GuestRoot> roots_of_group(const std::string& group, const std::string& config) {
  Options options;
  options.config = config;
  auto roots = roots_of_all(options, find_host_guests(options));
  std::erase_if(roots, [&](const GuestRoot& root) { return root.rules.group != group; });
  Outcome untold;  // a run will say of whom they are not known
  learn_conffiles(roots, untold);
  return roots;
}

std::map<FsId, GroupSavings> group_savings(const std::vector<GuestRoot>& roots, const Stop& stop) {
  auto opened = open_guests(roots);
  for (const auto& refusal : opened.refused) complain(printable(refusal.path) + ": " + one_line(refusal.reason));
  std::map<FsId, ContentsSoFar> of_filesystems;
  Counters counters;
  for (auto& guest : opened.guests) {
    auto fs = guest.fs;
    fs.subvolume = 0;
    std::vector<Guest> one;  // a tree is gone before the next is read
    one.push_back(std::move(guest));
    of_filesystems[fs].add(one[0], scan_guests(one, {}, stop, counters).trees[0]);
  }
  std::map<FsId, GroupSavings> savings;
  for (const auto& [fs, contents] : of_filesystems) savings[fs] = contents.savings;
  return savings;
}

}  // namespace vunify
