// SPDX-License-Identifier: Apache-2.0
// What each vcow tells of itself: a file in /run/vcow, of one page and some, that it counts in as in memory. Whoever
// lists them needs no answer from anybody, and of one that was killed the last state is told. The file is locked as
// long as its writer lives; nothing else tells a dead one from another process that was given its number.
#pragma once

#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "sys/fd.h"
#include "sys/inode.h"
#include "sys/mapped_file.h"

namespace vunify {

inline constexpr auto vcow_run_dir = "/run/vcow";

struct Mounted {
  std::string path{};         // of the guest, as GuestPlace has it
  std::string mount_point{};  // the same where it is mounted over itself
  int process = 0;            // the daemon's
  Timestamp since{};
  std::string no_passthrough{};  // why data goes through the daemon; empty: it does not
  std::string native{};          // directories that the guest sees natively: "/home,/srv"
  std::uint64_t broken_links = 0;
  std::uint64_t copied_bytes = 0;  // by these
  std::optional<Timestamp> last_break{};
  bool is_alive = false;
};

// A daemon's own record. Made once the mount stands, by the process that stays.
class MountRecord {
 public:
  // Of what is told only the texts count. root: the guest's, which names the file; one of a dead daemon gives way.
  // Throws where there is no room, or dir, which is made, is not root's.
  MountRecord(const Mounted& told, int root, const std::string& dir = vcow_run_dir);
  ~MountRecord();  // it goes
  MountRecord(const MountRecord&) = delete;

  // From any thread; waits for nobody.
  void count_break(std::uint64_t copied_bytes) noexcept;

 private:
  struct MountPage& page() const;

  Fd dir_, file_;  // the file is locked
  std::string leaf_;
  std::unique_ptr<MappedFile> memory_;
};

// In the order of their mount points; what is no record is passed over. A daemon that was killed, or stops just now, is
// not alive: whether something is mounted there still, the mount table tells. One of another guest that was seen there
// before is not told.
std::vector<Mounted> list_mounted(const std::string& dir = vcow_run_dir);

}  // namespace vunify
