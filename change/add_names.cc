// SPDX-License-Identifier: Apache-2.0
#include "change/add_names.h"

#include <tbb/parallel_for.h>

#include <algorithm>
#include <thread>

#include "change/last_name.h"
#include "change/lifted.h"
#include "change/open_all.h"
#include "change/protect_again.h"
#include "guest/tag.h"
#include "sys/inode_attr.h"
#include "sys/link.h"
#include "sys/mark.h"

namespace vunify {

int NewParent::open(const RootDir& root, std::string_view path) {
  if (dir_ && path == path_) return dir_.get();
  dir_ = root.open_directory(path);
  path_ = path;
  return dir_.get();
}

bool NameAddition::open(OnLease on_lease) {
  result_.reason = "changed";
  try {
    auto fd = request_.from.root->open_inode(request_.from.path, request_.inode.ino, on_lease);
    if (!fd) return true;
    held_.fd = std::move(*fd);
    take_lease();
  } catch (const std::system_error& error) {
    if (on_lease == OnLease::fail && is_error(error, EWOULDBLOCK)) return false;
    result_.reason = error.code().message();
  }
  return true;
}

void NameAddition::take_lease() {
  const int fd = held_.fd.get();
  auto lease = Lease::take(fd);
  const auto flags = inode_flags(fd);
  held_.seen = stat_fd(fd);
  held_.metadata = read_metadata(fd, held_.seen, flags);
  protection_ = request_.is_shared ? protection_of(fd) : request_.protection;
  result_.reason = lease && lease->pin() ? why_not(flags) : "open for writing";
  if (result_.reason.empty()) held_.lease = std::move(lease);
}

// Nothing keeps a shared inode apart that has lost its flag; and a private one with more names is its guest's own way
// to share.
std::string NameAddition::why_not(std::uint32_t flags) const {
  if (request_.is_shared && (protection_ == Protection::none || !is_marked(held_.fd.get(), request_.inode)))
    return "shared, and not protected";
  if (request_.is_shared) return {};
  const bool may_be_shared =
      (flags & (owner_flags | unshareable_flags)) == 0 && may_be_nobodys(held_.fd.get(), request_.from);
  return held_.seen.nlink == 1 && may_be_shared ? std::string() : "not to be shared";
}

std::optional<JournaledSet> NameAddition::journaled(const std::string& staging, const std::string& fs) const {
  if (!is_begun() || !must_lift(protection_)) return std::nullopt;
  return lifted_set(held_, request_.from, protection_, staging, fs);
}

void NameAddition::add(NewParent& in) {
  if (!is_begun()) return;
  try {
    lift();
    const auto [parent, leaf] = split_path(request_.to.path);
    prepare_link(held_.fd.get(), {in.open(*request_.to.root, parent), std::string(leaf)});
    result_.is_added = true;
  } catch (const std::system_error& error) {
    result_.reason = error.code().message();
  }
  protect();
}

void NameAddition::lift() {
  const int fd = held_.fd.get();
  if (request_.is_shared && must_lift(protection_)) unprotect(fd);
  if (request_.is_shared) return;
  set_mark(fd, request_.inode);
  set_project_id(fd, 0);
  if (!must_lift(protection_)) vunify::protect(fd, protection_);
}

void NameAddition::protect() {
  if (!must_lift(protection_)) return;
  if (request_.is_shared || result_.is_added)
    protect_again(held_.fd.get(), protection_, held_.metadata, held_.seen.stamp.mtime);
}

AddResult NameAddition::finish() {
  if (is_begun() && !held_.lease->is_unwritten() && !held_.lease->turn_away())
    result_.reason = "a writer could not be turned away";
  if (held_.fd && !result_.is_added && !request_.is_shared)
    release_unshared(held_.fd.get(), request_.inode, {request_.from});
  held_.close();
  return std::move(result_);
}

std::unique_ptr<Journal> NameAdder::take_journal() {
  const std::lock_guard lock(journals_in_use_);
  if (journals_.empty()) return std::make_unique<Journal>(state_dir_, "clone" + std::to_string(made_++));
  auto journal = std::move(journals_.back());
  journals_.pop_back();
  return journal;
}

void NameAdder::give_back(std::unique_ptr<Journal> journal) {
  journal->over(on_fs_, staging_);
  const std::lock_guard lock(journals_in_use_);
  journals_.push_back(std::move(journal));
}

void NameAdder::run_batch(std::span<const AddRequest> requests, std::span<AddResult> results) {
  std::vector<NameAddition> additions(requests.begin(), requests.end());
  open_all(additions);
  std::vector<JournaledSet> sets;
  const auto fs = to_string(fs_id(on_fs_));
  for (const auto& one : additions)
    if (auto set = one.journaled(staging_, fs)) sets.push_back(std::move(*set));
  auto journal = sets.empty() ? nullptr : take_journal();
  if (journal) journal->begin(sets);
  NewParent in;
  for (auto& one : additions) one.add(in);
  std::this_thread::sleep_for(Lease::linger);
  std::ranges::transform(additions, results.begin(), [](NameAddition& one) { return one.finish(); });
  if (journal) give_back(std::move(journal));
}

std::vector<AddResult> NameAdder::run(const std::vector<AddRequest>& requests, const std::function<bool()>& stop) {
  std::vector<AddResult> results(requests.size());
  const auto batches = (requests.size() + inodes_a_batch - 1) / inodes_a_batch;
  tbb::parallel_for(std::size_t{0}, batches, [&](std::size_t batch) {
    const auto from = batch * inodes_a_batch, count = std::min(inodes_a_batch, requests.size() - from);
    if (!stop()) run_batch(std::span(requests).subspan(from, count), std::span(results).subspan(from, count));
  });
  return results;
}

void NameAdder::end() {
  for (const auto& journal : journals_) journal->end();
}

}  // namespace vunify
