// SPDX-License-Identifier: Apache-2.0
// A name of the guest that vunify leads elsewhere, beneath us (guest/live_guest): from when it is held until it is let
// go nobody looks at it, opens what it leads to, or changes that. Then what is there decides:
//
//     the same inode    nothing has happened
//     another           its node stands for that now; or, where somebody reads the old one, is detached from the name
//                       as after a break (fuse/cow), and he keeps what he has: of a guest with a limit it takes its
//                       place for as long
//     nothing           the node is nameless
//
// and the kernel forgets what it knows of the node and of the directory: told so by a thread that holds no lock, for it
// waits for requests that may wait for one of ours.
#pragma once

#include <optional>

#include "fuse/control.h"
#include "fuse/served.h"
#include "guest/live_guest.h"

namespace vunify {

class NameHold {
 public:
  // Throws std::system_error, and nothing is held.
  NameHold(Served& served, LiveName name);
  ~NameHold() { let_go(false); }
  NameHold(const NameHold&) = delete;

  // False where somebody writes to it, or changes it just now: it is to be left alone.
  explicit operator bool() const { return is_held_; }

  // is_late: whoever leads the name has not said that he is done, and may do it yet. What he finds then he finds in
  // staging, or at the name: so the node is never written in place any more.
  void let_go(bool is_late) noexcept;

 private:
  // Of the name, while nobody looks at it.
  class Turn {
   public:
    Turn(HeldNames& names, const LiveName& name)
        : names_(names), name_(name), has_it_(names.hold(name.directory, name.leaf)) {}
    ~Turn() {
      if (has_it_) names_.let_go(name_.directory, name_.leaf);
    }
    Turn(const Turn&) = delete;
    bool has_it() const { return has_it_; }

   private:
    HeldNames& names_;
    const LiveName& name_;
    bool has_it_;
  };

  bool find_directory();
  bool take();
  bool is_its_place() const;
  bool hold_inode();
  bool hold_by_name();
  void settle(bool is_late);
  void lead_to(const struct stat& seen);
  void detach(const struct stat& seen, Owner owner);
  void count_name() noexcept;
  void tell_kernel() const;

  Served& served_;
  const LiveName name_;
  NodeId directory_ = 0, node_ = 0;  // 0: the kernel does not know it, and need not be told
  std::optional<Address> address_;   // of the name
  std::optional<Turn> turn_;
  std::optional<NodeClaim> claim_;
  bool was_held_ = false;            // by a descriptor
  bool was_own_ = false;             // of a guest with a limit: it counts for him alone
  std::optional<Takes> name_takes_;  // beside what is held still
  bool is_held_ = false;
  enum class End { same, led, detached, gone } end_ = End::same;
};

// One hold, from the question to its end; returns the answer to the last question.
ControlAnswer serve_hold(Served& served, const std::string& name, const ControlLine& line);

}  // namespace vunify
