// SPDX-License-Identifier: Apache-2.0
// Where the paths of a guest lead: /lib/systemd/x is /usr/lib/systemd/x where /lib is a symlink. Symlinks are followed
// as the guest would follow them, one by one, each name looked at beneath the root and none entered by another's path,
// so that none leads out. What is not there, or on another mount, is its own place.
#pragma once

#include <optional>
#include <string>
#include <string_view>
#include <unordered_map>

#include "packages/guest_files.h"

namespace vunify {

// Paths are clean (packages/inventory). Throws std::runtime_error where so much is asked, or so long are its answers,
// that it can only have been made for that.
class Resolver {
 public:
  explicit Resolver(const GuestFiles& files) : files_(files) {}

  // The name itself: no symlink among its directories.
  std::string name(std::string_view path);
  // What the name leads to, where it is a symlink, too.
  std::string file(std::string_view path);

 private:
  std::string follow(std::string_view path);
  void count(std::string_view kept);
  const std::optional<std::string>& directory_link(const std::string& path);
  std::optional<std::string> link(const std::string& path) const;

  const GuestFiles& files_;
  std::unordered_map<std::string, std::string> directories_;             // as written, and where they lead
  std::unordered_map<std::string, std::optional<std::string>> targets_;  // of directories that may be symlinks
  std::size_t bytes_ = 0;                                                // of what is kept, and was answered
};

}  // namespace vunify
