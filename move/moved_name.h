// SPDX-License-Identifier: Apache-2.0
// One name of a guest on its way: where it is, what it leads to, and all metadata. It tells no path, only a directory
// that came before it and one component: nothing that comes in can lead out of the tree that it is for.
#pragma once

#include <cstdint>
#include <map>
#include <string>
#include <string_view>
#include <vector>

#include "move/fields.h"
#include "sys/inode.h"

namespace vunify {

struct MovedName {
  std::uint32_t parent = 0;  // number of its directory; the root, which is number 0 and has no leaf, is its own
  std::string leaf{};
  std::uint32_t same_as = 0;  // another name of the inode of this number, and nothing else is told; 0: it is not
  std::uint32_t mode = 0;     // type and permissions
  std::uint32_t uid = 0;
  std::uint32_t gid = 0;
  std::uint32_t flags = 0;  // chattr(1), as far as moved_flags (move/inventory.h) goes
  std::uint32_t project = 0;
  Timestamp mtime{};
  std::uint64_t size = 0;    // of a file
  bool is_sparse = false;    // it takes less on disk than its size
  std::uint64_t device = 0;  // dev_t of a device node
  std::string target{};      // of a symlink
  std::map<std::string, std::string> xattrs{};

  bool is_file() const;
  bool is_directory() const;
  bool is_symlink() const;
  bool is_device() const;
  bool has_content() const { return is_file() && size > 0; }
};

// In the order of their numbers: every directory before what is in it, every inode before its further names.
using MovedNames = std::vector<MovedName>;

std::string path_of(const MovedNames& names, std::uint32_t number);  // from the root

// As the next one behind `before`: what both have alike is left out.
std::string to_bytes(const MovedName& name, const MovedName& before);
// As the next one behind `before`. Throws BadStream for what cannot be: a leaf that is none, a directory that is not
// one, numbers that no kernel gives. Nobody has looked whether two names are alike.
MovedName moved_name_from(Fields& fields, const MovedNames& before);

}  // namespace vunify
