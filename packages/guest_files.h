// SPDX-License-Identifier: Apache-2.0
// The files in which a guest keeps what it knows of its packages, read as its own programs would find them, but never
// out of its root, nor on a mount in it, and within bounds of size and time: they are the guest's, who may have put
// anything there.
#pragma once

#include <chrono>
#include <cstdint>
#include <optional>
#include <stdexcept>
#include <string>
#include <vector>

#include "sys/root_dir.h"
#include "sys/stop.h"

namespace vunify {

// A database that is there and cannot be read: "var/lib/dpkg/status: too large".
struct Unreadable : std::runtime_error {
  Unreadable(const std::string& path, const std::string& reason) : std::runtime_error(path + ": " + reason) {}
};

constexpr std::uint64_t most_text_bytes = 64 << 20;  // a status of 3,500 packages has 5 MB
constexpr std::size_t most_names = 100'000;          // in one directory

// A directory in which a manager may have its database.
struct DatabasePlace {
  std::string path;
  Fd directory;  // O_PATH
};

class GuestFiles {
 public:
  explicit GuestFiles(const RootDir& root) : root_(root) {}

  const RootDir& root() const { return root_; }

  // Nothing where there is no such name. All throw Unreadable for what is there and is not what was asked for. Paths
  // are from the root, with or without a leading slash.
  std::optional<std::string> read(const std::string& path, std::uint64_t most_bytes = most_text_bytes) const;
  std::optional<Fd> directory(const std::string& path) const;
  std::optional<std::vector<std::string>> names(const std::string& path) const;  // sorted

  // Those directories that are there, each once: one of them may be a symlink to another.
  std::vector<DatabasePlace> places(const std::vector<std::string>& paths) const;

  // Asked by every loop over what a guest wrote. Throws Unreadable where the guest has had its time, or we are stopped.
  void check_time() const;

 private:
  std::optional<Fd> find(const std::string& path) const;

  const RootDir& root_;
  Stop stop_{std::chrono::seconds(30)};
};

}  // namespace vunify
