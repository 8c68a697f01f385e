// SPDX-License-Identifier: Apache-2.0
// What each vcow tells of itself: a file in /run/vcow, of one page and some, that it counts in as in memory. Whoever
// lists them needs no answer from anybody, and of one that was killed the last state is told. The file is locked as
// long as its writer lives; nothing else tells a dead one from another process that was given its number.
#pragma once

#include <array>
#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "sys/fd.h"
#include "sys/inode.h"
#include "sys/mapped_file.h"

namespace vunify {

inline constexpr auto vcow_run_dir = "/run/vcow";
// Beside a record: its daemon's socket, and what is not a record yet.
inline constexpr std::string_view control_suffix = ".control", unfinished_suffix = ".new";

struct Mounted {
  std::string path{};         // of the guest, as GuestPlace has it
  std::string mount_point{};  // the same where it is mounted over itself
  int process = 0;            // the daemon's, which keeps it mounted
  int worker = 0;             // its child's, which serves it
  Timestamp since{};
  std::string no_passthrough{};  // why data goes through the daemon; empty: it does not
  std::string native{};          // directories that the guest sees natively: "/home,/srv"
  std::uint64_t broken_links = 0;
  std::uint64_t copied_bytes = 0;  // by these
  std::optional<Timestamp> last_break{};
  bool is_alive = false;
  std::string control{};             // where the daemon is asked (guest/control)
  std::string program{}, version{};  // the path of what serves it
  std::uint32_t layout = 0;          // of the memory that its workers have, one after the other
  std::uint64_t programs = 0;        // that have served it, one after the other
  std::uint64_t returns = 0;         // to a program before, for the next one could not go on
  std::uint64_t replaced = 0;        // workers
};

// A daemon's own record. Made once the mount stands, by the process that stays.
class MountRecord {
 public:
  // Of what is told only the texts count, and the layout. root: the guest's, which names the file; one of a dead daemon
  // gives way, and those of guests that are gone go (guest/dead_records). Throws where there is no room, or dir, which
  // is made, is not root's.
  MountRecord(const Mounted& told, int root, const std::string& dir = vcow_run_dir);
  // A daemon's whose program has taken the place of another in this process; file: locked, as the other left it.
  MountRecord(Fd file, const Mounted& told, int root, const std::string& dir = vcow_run_dir);
  ~MountRecord();  // it goes
  MountRecord(const MountRecord&) = delete;

  // The daemon's socket, beside the record; it goes with it.
  Fd listen() const;

  // Why data goes through the daemon; empty: it does not.
  void tell_passthrough(const std::string& why_none) noexcept;
  // This process serves now; so many did before it, and are gone.
  void tell_worker(std::uint64_t replaced) noexcept;
  // A further program serves now; or the one before it does again.
  void tell_program() noexcept;
  void tell_return() noexcept;
  int fd() const { return file_.get(); }
  std::array<int, 2> descriptors() const { return {dir_.get(), file_.get()}; }
  // From any thread; waits for nobody.
  void count_break(std::uint64_t copied_bytes) noexcept;

 private:
  struct MountPage& page() const;
  void tell(const Mounted& told);

  Fd dir_, file_;  // the file is locked
  std::string leaf_;
  std::unique_ptr<MappedFile> memory_;
};

// Of the vcow that shows this guest, or did; nothing where there is none. root: the guest's.
std::optional<Mounted> find_mounted(int root, const std::string& dir = vcow_run_dir);

// In the order of their mount points; what is no record is passed over. A daemon that was killed, or stops just now, is
// not alive: whether something is mounted there still, the mount table tells. One of another guest that was seen there
// before is not told.
std::vector<Mounted> list_mounted(const std::string& dir = vcow_run_dir);

}  // namespace vunify
