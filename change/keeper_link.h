// SPDX-License-Identifier: Apache-2.0
// One keeper and the names that are led to it.
//
//   prepare   one more name of the keeper in staging for each name, while nobody can see them
//   exchange  all of them, eight at a time; until the keeper is protected after them two guests could write to one
//             inode, and only the leases stand before that
//   protect   at once
//   check     keeper and victims are still what was proven: leases held, metadata as planned, no further links.
//             Whatever is not is undone before its lease is dropped, so that a writer who waits in open() finds his
//             file at its name.
//   look      again, some milliseconds later: a process that had looked a name up before the exchange may have opened
//             what came out of the guest, and lies in staging, leased; what it changed, or wants to write, is undone
//   finish    what came out is removed, and the leases are dropped. The keeper's is held as long: a writer who passed
//             the kernel's check before the protection was there comes to the lease a little later, and writes through
//             it. What was changed by descriptor at the last moment is seen once the name is gone: the victim's names
//             then get a copy of it.
//
// A fresh keeper is led to by the names of two victims at least, or by those of the only one, which several guests
// have; where they are too few in the end, none is.
#pragma once

#include <cstdint>
#include <functional>
#include <string>
#include <system_error>
#include <vector>

#include "change/held.h"
#include "change/hold_live.h"
#include "change/journal.h"
#include "change/protect_again.h"
#include "change/protection.h"
#include "guest/guest_name.h"
#include "sys/link.h"

namespace vunify {

// An inode that is to be given up.
struct Victim {
  Held held;
  std::vector<GuestName> names;  // all it has
  bool was_shared = false;       // it is marked and protected: two keepers become one
};

struct LinkRequest {
  Held keeper{};
  FileId keeper_id{};
  GuestName keeper_name;    // one of its names, for the journal; without a path where none is known
  bool was_shared = false;  // the keeper is marked and protected already
  bool is_fresh = false;    // it has no name yet (change/fresh_copy.h)
  bool is_cold = false;     // and shall not stay in the page cache
  Protection protection = Protection::none;
  std::vector<Victim> victims{};
};

enum class LinkEnd {
  linked,       // its names lead to the keeper
  changed,      // it is not what was proven any more
  locked,       // somebody locks it, or the keeper
  in_use,       // its guest's vcow says so (guest/live_guest)
  unanswered,   // and that does not answer
  not_reached,  // a full disk came first
  left_alone,   // the others were not linked, and one name needs no keeper
  unmarked,     // the keeper's own attributes, or its guest's quota, leave no room for the mark
  failed,       // the kernel refused: LinkedVictim::error
};

struct LinkedVictim {
  LinkEnd end = LinkEnd::linked;  // with any other end it is where it was
  std::error_code error{};
};

struct LinkResult {
  std::vector<LinkedVictim> victims;    // as in the request
  std::size_t least = 1;                // of them have to be linked, or none is
  bool disk_full = false;               // ENOSPC or EDQUOT stopped it
  std::uint64_t grown_bytes = 0;        // of the keeper, by the mark; of a fresh one, all
  std::uint64_t freed_when_closed = 0;  // bytes of removed inodes that somebody still holds open
  bool has_writer_left = false;         // one who wants to write to one of the inodes could not be turned away
  std::vector<std::string> kept;        // what is left in staging because it is nobody's known file

  bool has_linked() const;  // at least as many as have to be
};

// Where names are prepared.
struct LinkGround {
  std::uint64_t mount = 0;  // staging's, as mount_id() tells it
  bool fine_ctime = false;  // sys/fine_ctime.h
};
LinkGround ground_of(int staging);

// One thread's. The steps are taken in their order, each once; finish() also where nothing was begun.
class KeeperLink {
 public:
  // stage gives a name in staging to each of the victims' names.
  KeeperLink(LinkRequest request, const LinkGround& ground, const std::function<StagedName()>& stage);

  const LinkRequest& request() const { return request_; }
  // Opens the directories of the victims' names, where it was not done yet; the first step does it, too.
  void open_names();
  // That the first of them is in.
  std::uint64_t directory() const { return passages_.front().front().directory.ino; }
  // What the journal has to know before prepare(). staging: the staging directory's path; fs: its filesystem, as text.
  JournaledSet journaled(const std::string& staging, const std::string& fs) const;

  // Before prepare(): leaves out one victim, or all of them.
  void leave(std::size_t victim, LinkEnd end) { result_.victims[victim].end = end; }
  void leave_all(LinkEnd end, const std::error_code& error = {});
  bool disk_is_full() const { return result_.disk_full; }

  // Each step leaves a victim that it fails with where it was. check() throws only where the keeper itself cannot be
  // protected or looked at (EIO): the journal then has it, and the next start undoes it. After check() the keeper is
  // protected, or, where nothing was linked and it was private before, as it was.
  void prepare();
  void exchange();
  void protect();
  void check();
  void look_again();
  LinkResult finish();

  // The four steps before look_again().
  void run();

 private:
  // A name of a victim, on its way.
  struct Passage {
    StagedName staged;
    std::optional<Name> name{};  // the guest's, open from open_names() to check()
    Inode directory{};           // it is in, as it was opened
    bool is_prepared = false;    // staging holds something: the keeper, or what came out of the guest
    Inode came_out{};            // the victim, as the exchange left it
  };

  int keeper() const { return request_.keeper.fd.get(); }
  int linkable() const { return linkable_ ? linkable_.get() : keeper(); }
  bool is_linked(std::size_t victim) const { return result_.victims[victim].end == LinkEnd::linked; }
  bool mark() const;
  std::vector<GuestName> names() const;
  void begin();
  void lift();
  void change_protection() const;
  void protect_shared_again(Protection protection) const;
  void withdraw(LinkEnd end, const std::error_code& error = {});
  template <typename Step>
  void for_each_linked(const Step& step);
  void prepare_names(std::size_t victim);
  void exchange_names(std::size_t victim);
  LinkEnd exchange_name(std::size_t victim, std::size_t n);
  bool exchange_held(std::size_t victim, std::size_t n, const Inode& there);
  void bound_exposure();
  Protected protect_as_proven(const Held& held) const;
  void protect_keeper();
  bool is_before_exchange(std::size_t victim, std::size_t n, const Inode& there) const;
  bool keeper_is_as_planned() const;
  bool victim_came_out_as_planned(std::size_t victim) const;
  bool victim_is_as_planned(std::size_t victim) const;
  bool keeper_is_awaited() const;
  void undo(std::size_t victim, LinkEnd end, const std::error_code& error = {});
  bool undo_name(std::size_t victim, std::size_t n);
  void undo_protected(std::size_t victim, LinkEnd end, const std::error_code& error = {});
  void undo_late(std::size_t victim, LinkEnd end, const std::error_code& error = {});
  template <typename Undo>
  void undo_too_few(const Undo& undo);
  void remove_victim(std::size_t victim);
  void give_copies(std::size_t victim);
  void give_copy(std::size_t victim, std::size_t n, Fd& copy);
  void turn_away_from(const Lease& lease);
  void turn_away_from_keeper();
  void let_go(std::size_t victim);
  bool keeper_is_private() const;
  void release_unlinked_keeper() const;

  LinkRequest request_;
  LinkGround ground_;
  LinkResult result_;
  std::vector<std::vector<Passage>> passages_;  // of each victim's names
  bool is_pinned_ = false;                      // the keeper's lease: who comes to it waits for finish()
  bool is_begun_ = false;                       // and what was begun with the keeper goes on
  bool is_protected_ = false;        // the exchanges are over: what is undone now lifts the keeper's protection first
  bool is_as_proven_ = true;         // nobody reached the keeper's metadata while it was not protected
  Inode keeper_seen_{};              // when it was protected last
  std::size_t exposed_ = 0;          // names that it was given while it was not
  Fd linkable_;                      // the keeper on the mount of staging, where it was opened on another
  std::uint64_t planned_links_ = 0;  // more of them: somebody else linked the keeper
  std::uint64_t bytes_before_ = 0;   // of the keeper
};

}  // namespace vunify
