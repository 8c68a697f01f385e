// SPDX-License-Identifier: Apache-2.0
#include "clone/clone_tree.h"

#include <fcntl.h>

#include <algorithm>
#include <array>
#include <atomic>
#include <map>
#include <mutex>
#include <optional>

#include "clone/copy_inode.h"
#include "clone/late_steps.h"
#include "sys/inode_attr.h"
#include "sys/link.h"
#include "sys/mark.h"
#include "sys/mount.h"
#include "sys/walk.h"

namespace vunify {
namespace {

std::string_view verb_of(Way way) {
  if (way == Way::link || way == Way::share) return "linked";
  if (way == Way::copy) return "copied";
  return way == Way::empty ? "reset" : "removed";
}

// A name of the guest's, on its way.
struct Passage {
  At from;
  At to;  // where it is to be, but for a dry run
  std::string path;
  const Entry& entry;
  Inode inode;
};

class TreeClone {
 public:
  TreeClone(const ClonePlan& plan, const CloneGround* ground, const std::function<bool()>& stop)
      : plan_(plan), ground_(ground), stop_(stop) {}

  Cloned run() {
    Visitor visitor;
    visitor.visit = [this](const Listing& listing) { visit(listing); };
    visitor.failed = [this](const std::string& path, const std::system_error& error) { note_unread(path, error); };
    visitor.stop = [this] { return has_failed_ || stop_(); };
    const std::array visits = {RootVisit{&plan_.guest->root, std::move(visitor)}};
    walk(visits);
    if (error_) throw std::system_error(*error_);
    if (stop_()) throw std::system_error(EINTR, std::generic_category(), plan_.guest->path());
    if (ground_ != nullptr)
      late_.finish(
          *ground_->tree, *ground_->adder, [this](const AddRequest& link) { copy_instead(link); }, stop_);
    std::ranges::sort(cloned_.told, {}, &ClonedName::path);
    return std::move(cloned_);
  }

 private:
  void visit(const Listing& listing) {
    const Fd to = ground_ != nullptr ? ground_->tree->open_directory(listing.path) : Fd();
    for (auto& entry : listing.entries) {
      if (has_failed_) return;
      auto path = join_path(listing.path, entry.leaf);
      entry.unseen = listing.unseen || is_apart(plan_, "/" + path);
      const auto* leaf = entry.leaf.data();
      Passage passage{{listing.fd, leaf}, {to.get(), leaf}, std::move(path), entry, entry.inode};
      attempt(passage.path, [&] { entry.enter = is_passed(passage, listing); });
    }
    if (ground_ != nullptr) attempt(std::string(listing.path), [&] { finish_directory(listing, to.get()); });
  }

  // One name has one catch. What a running guest removes meanwhile is passed over.
  template <typename Step>
  void attempt(const std::string& path, const Step& step) {
    try {
      step();
    } catch (const std::system_error& error) {
      if (!is_error(error, ENOENT)) note_unread(path, error);
    }
  }

  // The walk tells but the type of what is no file, or lies in what is not to be linked. Nothing where it is gone.
  static std::optional<Inode> look_at(const Passage& passage, const Listing& listing) {
    const bool is_told = passage.inode.is_regular() && !listing.unseen;
    auto inode = is_told ? passage.inode : stat_name(passage.from.dir, passage.from.leaf);
    if (inode && inode->mount != mount_id(listing.fd)) throw std::system_error(EXDEV, std::generic_category());
    return inode;
  }

  // True where it is a directory to go on into. One that something is mounted on is empty in the clone.
  bool is_passed(Passage& passage, const Listing& listing) try {
    const auto inode = look_at(passage, listing);
    if (!inode) return false;
    passage.inode = *inode;
    const auto* rule = find_identity_rule("/" + passage.path);
    if (rule != nullptr && rule->treatment == Treatment::report) tell(passage.path, "reported", rule->note);
    if (!passage.inode.is_directory()) {
      clone(passage, way_of(plan_, rule, passage.from.dir, passage.entry, passage.inode), rule);
      return false;
    }
    if (ground_ != nullptr) make_directory_at(passage.to, 0755);
    return true;
  } catch (const std::system_error& error) {
    const bool is_point = is_error(error, EXDEV) && passage.inode.is_directory();
    if (is_point && ground_ != nullptr) make_directory_at(passage.to, 0755);
    throw;
  }

  void clone(Passage& passage, Way way, const IdentityRule* rule) {
    const bool is_identity = way == Way::empty || way == Way::omit;
    if (is_identity || ground_ == nullptr) tell(passage.path, verb_of(way), is_identity ? rule->note : "");
    if (ground_ != nullptr) way = carry_out(passage, way);
    if (passage.inode.is_regular() && way != Way::omit) count(way, passage.inode.bytes_on_disk());
  }

  // Returns what came of it.
  Way carry_out(Passage& passage, Way way) {
    if (way == Way::link && plan_.guest->is_adopted())
      way = is_linked(passage) ? Way::link : Way::copy;
    else if (way == Way::link || way == Way::share)
      link_later(passage, way == Way::link);
    if (way == Way::copy) copy(passage);
    if (way == Way::empty) copy_name(leaf_of(passage), passage.inode, passage.to, Bytes::none, stop_);
    return way;
  }

  // Under vcow nothing is lifted. Should another inode have come to the name meanwhile, it is not what was marked.
  static bool is_linked(const Passage& passage) {
    try {
      link_at(passage.from, passage.to);
    } catch (const std::system_error& error) {
      if (is_error(error, EMLINK) || is_error(error, EXDEV)) return false;
      throw;
    }
    const auto linked = stat_name(passage.to.dir, passage.to.leaf);
    if (linked && linked->ino == passage.inode.ino) return true;
    remove_at(passage.to);
    return false;
  }

  void link_later(const Passage& passage, bool is_shared) {
    late_.add(AddRequest{.from = {&plan_.guest->root, passage.path},
                         .to = {ground_->tree, passage.path},
                         .inode = {plan_.guest->fs, passage.inode.ino},
                         .is_shared = is_shared,
                         .protection = plan_.protection});
  }

  void copy_instead(const AddRequest& link) {
    const auto from = open_name(plan_.guest->root, link.from.path), to = open_name(*ground_->tree, link.to.path);
    auto inode = stat_name(from.dir.get(), from.leaf.c_str());
    if (!inode || !copy_name({plan_.guest->root, {from.dir.get(), from.leaf.c_str()}, link.from.path}, *inode,
                             {to.dir.get(), to.leaf.c_str()}, bytes(), stop_))
      return;
    const auto size = inode->bytes_on_disk();
    cloned_.linked_files -= 1, cloned_.linked_bytes -= size;
    cloned_.copied_files += 1, cloned_.copied_bytes += size;
  }

  GuestLeaf leaf_of(const Passage& passage) const { return {plan_.guest->root, passage.from, passage.path}; }

  Bytes bytes() const { return ground_->is_source_running ? Bytes::apart : Bytes::shared; }

  // Names that the guest linked itself stay linked. Where another inode came to the first of them, or none, the next
  // is the first.
  void copy(Passage& passage) {
    if (passage.inode.nlink < 2) return static_cast<void>(copy_alone(passage));
    const std::lock_guard lock(linking_);
    const auto [first, is_first] = first_names_.try_emplace(passage.inode.ino, passage.path);
    if (is_first) {
      if (!copy_alone(passage) || passage.inode.ino != first->first) first_names_.erase(first);
      return;
    }
    const auto name = open_name(*ground_->tree, first->second);
    link_at({name.dir.get(), name.leaf.c_str()}, passage.to);
  }

  // With what chattr(1) set by the guest's own hand; not with what protects a shared inode. False where it is gone.
  bool copy_alone(Passage& passage) {
    if (!copy_name(leaf_of(passage), passage.inode, passage.to, bytes(), stop_)) return false;
    const bool immutable = passage.inode.immutable, append_only = passage.inode.append_only;
    if (!immutable && !append_only) return true;
    if (mark_at(passage.from.dir, passage.from.leaf, {plan_.guest->fs, passage.inode.ino}) == Mark::none)
      late_.add(LateFlags{passage.path, (immutable ? FS_IMMUTABLE_FL : 0U) | (append_only ? FS_APPEND_FL : 0U)});
    return true;
  }

  void finish_directory(const Listing& listing, int to) {
    copy_metadata(listing.fd, to);
    leave_tag(plan_.guest->root, to);
    std::string path(listing.path);
    const auto flags = inode_flags(listing.fd) & (FS_IMMUTABLE_FL | FS_APPEND_FL);
    if (flags != 0 && !path.empty()) late_.add(LateFlags{path, flags});  // an immutable root could not be moved
    late_.add(LateDirectory{std::move(path), access_time(listing.fd), stat_fd(listing.fd).stamp.mtime});
  }

  void note_unread(const std::string& path, const std::system_error& error) {
    if (!is_error(error, EXDEV)) return fail(path, error);
    tell(path, "left", "something is mounted there");
  }

  void fail(const std::string& path, const std::system_error& error) {
    const std::lock_guard lock(noting_);
    if (!error_) error_.emplace(error.code(), plan_.guest->path() + "/" + path);
    has_failed_ = true;
  }

  void tell(const std::string& path, std::string_view verb, std::string_view note) {
    const std::lock_guard lock(noting_);
    cloned_.told.push_back({path, verb, std::string(note)});
  }

  void count(Way way, std::uint64_t size) {
    const bool linked = way == Way::link || way == Way::share;
    const std::lock_guard lock(noting_);
    (linked ? cloned_.linked_files : cloned_.copied_files) += 1;
    (linked ? cloned_.linked_bytes : cloned_.copied_bytes) += way == Way::empty ? 0 : size;
  }

  const ClonePlan& plan_;
  const CloneGround* ground_;
  const std::function<bool()>& stop_;
  LateSteps late_;
  std::mutex linking_;  // guards first_names_, and the making of the first
  std::map<std::uint64_t, std::string> first_names_;
  std::mutex noting_;  // guards those below
  Cloned cloned_;
  std::optional<std::system_error> error_;
  std::atomic<bool> has_failed_ = false;
};

}  // namespace

Cloned clone_tree(const ClonePlan& plan, const CloneGround* ground, const std::function<bool()>& stop) {
  return TreeClone(plan, ground, stop).run();
}

}  // namespace vunify
