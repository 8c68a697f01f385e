// SPDX-License-Identifier: Apache-2.0
// The state directory: journals, the last report, and the lock that keeps two runs apart. Root's, 0700.
#pragma once

#include <optional>
#include <string>
#include <string_view>

#include "sys/fd.h"

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

}  // namespace vunify
