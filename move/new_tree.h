// SPDX-License-Identifier: Apache-2.0
// A guest's tree made anew from its names, where nobody sees it yet. Files are filled in between, from many threads,
// each number once; names and metadata come of the names alone.
#pragma once

#include <cstdint>
#include <mutex>
#include <string>
#include <vector>

#include "move/moved_name.h"
#include "sys/at.h"
#include "sys/root_dir.h"

namespace vunify {

class NewTree {
 public:
  // root: an empty directory, no other user's to enter. Both outlive this. All that follows throws std::system_error
  // naming the path: a full disk, an attribute that the filesystem does not take.
  NewTree(const RootDir& root, const MovedNames& names) : root_(root), names_(names) {}

  // Directories, all that is no file, and files that are empty.
  void begin();

  Fd make_file(std::uint32_t number);  // empty, for reading and writing
  void finish_file(int fd, std::uint32_t number);
  // One that is ours and complete already gets this name, too.
  void take_over(const RootDir& from, const std::string& path, std::uint32_t number);
  void remove_file(std::uint32_t number);  // that was made, and did not become what it should

  // Further names, metadata of directories, and last the flags (chattr(1)) after which nothing can be changed; but for
  // the root's, which could not be moved then: they are left to finish_root().
  void finish();
  void finish_root() { set_last_flags(0); }

  // "path: reason": what this filesystem does not keep of it, and no program asks for.
  std::vector<std::string> take_told() { return std::move(told_); }

 private:
  struct Place {
    Fd dir;
    const char* leaf;
    At at() const { return {dir.get(), leaf}; }
  };
  Place place_of(std::uint32_t number) const;
  void make_node(std::uint32_t number);
  void set_metadata(int fd, std::uint32_t number);
  void set_flags(int fd, std::uint32_t number);
  void set_last_flags(std::uint32_t number);
  void tell(std::uint32_t number, const std::string& reason);

  const RootDir& root_;
  const MovedNames& names_;
  std::mutex telling_;  // guards told_
  std::vector<std::string> told_;
};

}  // namespace vunify
