// SPDX-License-Identifier: Apache-2.0
// The state directory: journals, the last report, and the lock that keeps two runs apart. Root's, 0700.
#pragma once

#include <optional>
#include <string>
#include <string_view>

#include "sys/fd.h"
#include "sys/inode.h"

namespace vunify {

class StateDir {
 public:
  // Makes it where it is missing. Throws EPERM where it is not root's.
  explicit StateDir(const std::string& path);

  // False where another run holds the lock; holder() then tells its process id. Held until this is destroyed.
  bool lock();
  std::string holder() const;

  const std::string& path() const { return path_; }

  // The last run's report, as text. Replaced in one step.
  void keep_report(std::string_view report) const;

 private:
  std::string path_;
  Fd lock_;
};

// The last report kept in a state directory, where there is one.
std::optional<std::string> last_report(const std::string& state_dir);

struct LockHolder {
  std::optional<int> process;      // nothing: the process is gone, and left the lock to another
  std::optional<Timestamp> since;  // when it wrote its number
};

// A state directory seen from outside, also while a run is going: nothing is made, changed, locked, or waited for.
class StateView {
 public:
  // Nothing where there is none. Throws where it is no directory, or closed to us; EPERM where it is not root's.
  static std::optional<StateView> open(const std::string& path);

  // Who holds the lock now. What the lock file says may be a dead run's number: the kernel is asked.
  std::optional<LockHolder> holder() const;
  // Of a file in it.
  std::optional<Inode> file(const std::string& leaf) const;

 private:
  StateView(const std::string& path, Fd dir) : path_(path), dir_(std::move(dir)) {}

  std::string path_;
  Fd dir_;
};

}  // namespace vunify
