// SPDX-License-Identifier: Apache-2.0
#include "survey/scan.h"

#include <algorithm>
#include <iterator>

#include "survey/excluded_names.h"
#include "sys/guard.h"
#include "sys/inode_attr.h"
#include "sys/mark.h"
#include "sys/scratch_name.h"

namespace vunify {
namespace {

bool is_below(std::uint64_t size, std::uint64_t min_size) { return size < min_size; }

// ext4 tells a sector or two of what it keeps inside an inode (ext4_getattr()), and has no block that small. In large
// inodes there is room for more: of these the prover reads the flag.
bool is_inline(const File& file, const Guest& guest) {
  constexpr std::uint64_t smallest_block = 1024;
  return guest.mount.type == "ext4" && file.bytes_on_disk() < smallest_block && !file.marked;
}

bool is_gone(const std::system_error& error) {
  return is_error(error, ENOENT) || is_error(error, ENOTDIR) || is_error(error, ELOOP);
}

// Whatever the name leads to, it stays there.
bool stays(Verdict by_name) { return by_name == Verdict::not_asked || by_name == Verdict::passed_on_tag; }

// What is one inode already is not too small to be protected.
Verdict first_look(const File& file, const ScanRules& rules, const Guest& guest, Verdict by_name, bool append_only) {
  if (stays(by_name)) return file.marked ? Verdict::open : by_name;
  if (file.stamp.size == 0 || (file.bytes_on_disk() == 0 && !file.marked)) return Verdict::empty;
  if (by_name != Verdict::open) return by_name;
  if (file.nlink == 1 && is_below(file.stamp.size, rules.min_size)) return Verdict::too_small;
  if (is_inline(file, guest)) return Verdict::not_shareable;
  if (append_only || (file.immutable && !file.marked)) return Verdict::own_flags;
  return Verdict::open;
}

// Visits the directories of one guest.
class GuestScan {
 public:
  GuestScan(const Guest& guest, const ScanRules& rules, const GuardedInodes& guarded, bool led_elsewhere,
            Counters& counters, Tree& tree, Tree& excluded)
      : guest_(guest),
        rules_(rules),
        guarded_(guarded),
        led_elsewhere_(led_elsewhere),
        counters_(counters),
        tree_(tree),
        excluded_(excluded) {}

  void visit(const Listing& listing) {
    if (listing.unseen) return list(listing);
    std::vector<File> files;
    std::vector<std::string_view> leaves;
    files.reserve(listing.entries.size());
    leaves.reserve(listing.entries.size());
    std::string path = "/" + join_path(listing.path, "");
    const auto stem = path.size();
    const bool passes_tag_on = led_elsewhere_ && inherited_project(listing.fd).value_or(0) != 0;
    std::uint64_t bytes = 0;
    for (auto& entry : listing.entries) {
      path.resize(stem);
      path += entry.leaf;
      entry.enter = entry.inode.is_directory();
      entry.unseen = guest_.rules.excludes(path);
      if (!entry.inode.is_regular()) continue;
      const auto by_name = verdict_by_name(path, entry.unseen);
      files.push_back(look_at(listing.fd, entry, passes_tag_on ? in_passing_directory(by_name) : by_name));
      leaves.push_back(entry.leaf);
      bytes += entry.inode.bytes_on_disk();
    }
    counters_.files += files.size();
    counters_.bytes += bytes;
    tree_.add(listing.path, files, leaves);
  }

  // Adds a name beneath an excluded directory to the tree, where the guest has not changed it meanwhile.
  void look_at_excluded(const std::string& path) {
    const auto name = open_name(guest_.root, path);
    const auto inode = stat_name(name.dir.get(), name.leaf.c_str());
    if (!inode || !inode->is_regular()) return;
    const std::string_view leaf = name.leaf;
    const auto file = look_at(name.dir.get(), {leaf, *inode}, verdict_by_name("/" + path, true));
    if (file.nlink == 1 && !file.marked) return;
    ++counters_.files;
    tree_.add(split_path(path).parent, std::span(&file, 1), std::span(&leaf, 1));
  }

 private:
  // Of what is excluded.
  void list(const Listing& listing) {
    std::vector<File> files;
    std::vector<std::string_view> leaves;
    for (auto& entry : listing.entries) {
      entry.enter = entry.inode.is_directory();
      if (!entry.inode.is_regular()) continue;
      files.emplace_back().ino = entry.inode.ino;
      leaves.push_back(entry.leaf);
    }
    excluded_.add(listing.path, files, leaves);
  }

  Verdict verdict_by_name(const std::string& path, bool excluded) const {
    if (!guest_.rules.is_asked(path)) return Verdict::not_asked;
    if (excluded) return Verdict::excluded;
    return guest_.rules.is_conffile(path) ? Verdict::conffile : Verdict::open;
  }

  // No name in it can be led elsewhere: what it leads to, shared or not, stays there.
  static Verdict in_passing_directory(Verdict by_name) {
    return by_name == Verdict::open ? Verdict::passed_on_tag : by_name;
  }

  // Only an inode with several names, or a protected one, can be marked: all others cost no further call. Under cow no
  // flag tells of a last name. What the guard keeps is as good as immutable.
  File look_at(int dir, Entry entry, Verdict by_name) const {
    const bool is_guarded = guarded_.contains(entry.inode, dir, entry.leaf), is_flagged = entry.inode.immutable;
    entry.inode.immutable |= is_guarded;
    File file(entry.inode);
    if (file.nlink > 1 || file.immutable || guest_.is_adopted()) look_at_mark(dir, entry, file);
    if (!file.marked) file.immutable = is_flagged;  // a later inode of its number
    file.unasked = stays(by_name);
    file.verdict = is_left_by_kernel(dir, entry.leaf)
                       ? Verdict::own_flags
                       : first_look(file, rules_, guest_, by_name, entry.inode.append_only);
    return file;
  }

  void look_at_mark(int dir, const Entry& entry, File& file) const {
    // A last name may have been given back to its guest since it was recorded: its mark is read. Under cow a guest may
    // have linked it since.
    const bool may_know = rules_.known_shared && entry.inode.nlink > 1 && !guest_.is_adopted();
    const bool known = may_know && rules_.known_shared(guest_.fs, entry.inode);
    const auto mark = known ? Mark::valid : mark_at(dir, std::string(entry.leaf), {guest_.fs, entry.inode.ino});
    file.stale_mark = mark == Mark::stale && file.immutable;
    file.marked = mark == Mark::valid || file.stale_mark;
  }

  const Guest& guest_;
  const ScanRules& rules_;
  const GuardedInodes& guarded_;
  bool led_elsewhere_;
  Counters& counters_;
  Tree& tree_;
  Tree& excluded_;
};

// Returns those that could not be looked at.
std::vector<ScanFailure> look_at_excluded(const Trees& trees, const Trees& excluded, std::deque<GuestScan>& visits,
                                          const Stop& stop) {
  std::vector<ScanFailure> failed;
  for (const auto name : excluded_in_question(trees, excluded)) {
    if (stop.requested()) break;
    const auto path = excluded[name.guest].path(name.file);
    try {
      visits[name.guest].look_at_excluded(path);
    } catch (const std::system_error& error) {
      if (!is_gone(error)) failed.push_back({name.guest, path, error.code().message()});
    }
  }
  return failed;
}

}  // namespace

Scan scan_guests(const std::vector<Guest>& guests, const ScanRules& rules, const Stop& stop, Counters& counters) {
  Scan scan;
  Trees excluded;
  const auto guarded = GuardedInodes::now();
  std::mutex failing;  // guards scan.failed
  std::deque<GuestScan> visits;
  std::vector<RootVisit> roots;
  counters.begin(Phase::walk);
  for (std::size_t i = 0; i < guests.size(); ++i) {
    auto& tree = scan.trees.emplace_back();
    tree.fs = guests[i].fs;
    tree.is_adopted = guests[i].is_adopted();
    tree.refserver = guests[i].rules.refserver;
    const bool is_led = i < rules.led_elsewhere.size() && rules.led_elsewhere[i];
    Visitor visitor;
    visitor.visit = [&visit = visits.emplace_back(guests[i], rules, guarded, is_led, counters, tree,
                                                  excluded.emplace_back())](const Listing& listing) {
      visit.visit(listing);
    };
    visitor.failed = [&, i](const std::string& path, const std::system_error& error) {
      if (is_error(error, EXDEV)) return;  // a mount inside the guest is not of this guest
      const std::lock_guard lock(failing);
      scan.failed.push_back({i, path, error.code().message()});
    };
    visitor.stop = [&] { return stop.requested(); };
    roots.push_back({&guests[i].root, std::move(visitor)});
  }
  walk(roots);
  std::ranges::move(look_at_excluded(scan.trees, excluded, visits, stop), std::back_inserter(scan.failed));
  note_excluded_inodes(scan.trees, excluded);
  return scan;
}

}  // namespace vunify
