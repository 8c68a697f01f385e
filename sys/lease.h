// SPDX-License-Identifier: Apache-2.0
// A read lease (fcntl(2), F_SETLEASE F_RDLCK): while it is held, nobody has the file open for writing or mapped
// writable, and whoever opens it so waits for us. It guards bytes only: chmod, setxattr, link pass silently.
//
// A guest's writer must not wait for our disk. The kernel raises SIGIO when somebody waits; a watcher thread then gives
// up, at once, every lease that is being broken and is not pinned, even while its owner sits in a slow read. The owner
// sees held() turn false. A pinned lease (its file is between two names) is left to its owner, who has to put the name
// back before the writer may go on, and has a few milliseconds for it.
//
// Nothing may fork while leases are held: a child would inherit them.
#pragma once

#include <chrono>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "sys/fd.h"

namespace vunify {

class Lease {
 public:
  // How long a lease is held after a name was exchanged: long for a process between looking the name up, passing the
  // kernel's permission check and coming to the lease; short for a writer that our lease keeps waiting (20 ms at most).
  static constexpr std::chrono::milliseconds linger{5};

  // Takes a lease on fd, which must be open read-only and outlive it. Nothing where somebody has the file open for
  // writing; throws where the filesystem knows no leases, or fd is no regular file. dev: the superblock's (Mount::dev),
  // wanted where fd was opened through a view (sys/root_dir.h), which is in no mount table; else it is looked up.
  static std::optional<Lease> take(int fd, std::uint64_t dev = 0);

  Lease(Lease&& other) noexcept : fd_(std::exchange(other.fd_, -1)), dev_(other.dev_), taken_(other.taken_) {}
  Lease& operator=(Lease&& other) noexcept {
    std::swap(fd_, other.fd_);
    std::swap(dev_, other.dev_);
    std::swap(taken_, other.taken_);
    return *this;
  }
  ~Lease();

  // True as long as nobody wants to write: F_GETLEASE still answers F_RDLCK.
  bool held() const;

  // Of one that is not pinned, without asking the kernel: it was not given up, so that no writer has been let in. One
  // may be waiting.
  bool is_kept() const;

  // Nobody is counted as a writer: F_SETLEASE, asked again, answers EAGAIN then, be it one who waits for the lease or
  // one who has not come to it yet. A listener of fanotify(7), FAN_OPEN_PERM, holds writers there for any time.
  bool has_no_writer() const;

  // The same, and nobody wanted to write and went away again (O_NONBLOCK).
  bool is_unwritten() const { return held() && has_no_writer(); }

  // From here the watcher leaves this lease alone. False where it is already given up. One who waits at that moment is
  // found by has_no_writer().
  bool pin();

  // Makes it a write lease, which nobody is given while another has the file open in any way; all who open it wait from
  // here to its end. False where somebody has: it stays what it was.
  bool become_exclusive();

  // Ends it with its descriptor, which takes it along.
  void end_with(Fd fd) &&;

  // Sends all who are counted as writers back to the start of their open(2), once they come to the lease: they look the
  // name up again, and meet the permissions and flags of now. False where somebody could not be sent, or has not come
  // within two seconds; once a process has waited so for six seconds in all, within 20 ms.
  bool turn_away() const;
  // For an inode that is a guest's own again: its writers come back to it, and each process that waits is sent once.
  // Where the table of locks is too long to tell who waits for this lease, one who came back counts as not sent.
  bool turn_away_once() const;

 private:
  using Clock = std::chrono::steady_clock;

  Lease(int fd, std::uint64_t dev, Clock::time_point taken) : fd_(fd), dev_(dev), taken_(taken) {}
  bool is_not_lost() const;
  void leave_watcher() const;
  bool send_back(bool may_return) const;
  struct Waiting {
    std::vector<int> processes;
    bool all_for_this;  // lease; else they wait for some
  };
  Waiting waiting() const;

  int fd_;
  std::uint64_t dev_;
  Clock::time_point taken_;  // nobody wanted to write then
};

// Somebody else has the file open, in any way. fd: open read-only, leased or not; what lease it has it keeps.
bool is_open_elsewhere(int fd);

// Those who wait for the lease that process `holder` has on `inode`, "fe:00:1234", in the text of /proc/locks; nothing
// where the lease is not in it: the kernel shows the table page by page, and what moves between two pages is missed.
std::optional<std::vector<int>> waiting_in(std::string_view table, int holder, const std::string& inode);

}  // namespace vunify
