// SPDX-License-Identifier: Apache-2.0
#include "hashindex/scan.h"

#include "sys/mark.h"

namespace vunify {
namespace {

bool is_below(std::uint64_t size, std::uint64_t min_size) { return size < min_size; }

Verdict first_look(const File& file, const ScanRules& rules, std::string_view path, bool append_only) {
  if (file.stamp.size == 0) return Verdict::empty;
  if (rules.exclude->excludes(path)) return Verdict::excluded;
  if (is_below(file.stamp.size, rules.min_size)) return Verdict::too_small;
  if (append_only || (file.immutable && !file.marked)) return Verdict::own_flags;
  return Verdict::shared;
}

// Visits the directories of one guest.
class GuestScan {
 public:
  GuestScan(const Guest& guest, const ScanRules& rules, Counters& counters, Tree& tree)
      : guest_(guest), rules_(rules), counters_(counters), tree_(tree) {}

  std::vector<std::string> visit(const Listing& listing) {
    std::vector<std::string> deeper;
    std::vector<File> files;
    std::vector<std::string_view> leaves;
    std::string path = "/" + listing.path + (listing.path.empty() ? "" : "/");
    const auto stem = path.size();
    for (const auto& entry : listing.entries) {
      path.resize(stem);
      path += entry.leaf;
      if (entry.inode.is_directory() && !rules_.exclude->excludes(path)) deeper.push_back(entry.leaf);
      if (!entry.inode.is_regular()) continue;
      files.push_back(look_at(listing.fd, entry, path));
      leaves.push_back(entry.leaf);
      counters_.bytes += entry.inode.bytes_on_disk();
    }
    counters_.files += files.size();
    tree_.add(listing.path, files, leaves);
    return deeper;
  }

 private:
  // Only an inode with several names, or a protected one, can be marked: all others cost no further call.
  File look_at(int dir, const Entry& entry, std::string_view path) const {
    File file(entry.inode);
    if (file.nlink > 1 || file.immutable) file.marked = is_marked_at(dir, entry.leaf, {guest_.fs, file.ino});
    file.verdict = first_look(file, rules_, path, entry.inode.append_only);
    return file;
  }

  const Guest& guest_;
  const ScanRules& rules_;
  Counters& counters_;
  Tree& tree_;
};

}  // namespace

Scan scan_guests(const std::vector<Guest>& guests, const ScanRules& rules, const Stop& stop, Counters& counters) {
  Scan scan;
  std::mutex failing;  // guards scan.failed
  scan.trees.resize(guests.size());
  counters.begin(Phase::walk);
  for (std::size_t i = 0; i < guests.size(); ++i) {
    scan.trees[i].fs = guests[i].fs;
    GuestScan guest_scan(guests[i], rules, counters, scan.trees[i]);
    Visitor visitor;
    visitor.visit = [&](Listing& listing) { return guest_scan.visit(listing); };
    visitor.failed = [&](const std::string& path, const std::system_error& error) {
      if (is_error(error, EXDEV)) return;  // a mount inside the guest is not of this guest
      const std::lock_guard lock(failing);
      scan.failed.push_back({i, path, error.code().message()});
    };
    visitor.stop = [&] { return stop.requested(); };
    walk(guests[i].root, visitor);
  }
  return scan;
}

}  // namespace vunify
