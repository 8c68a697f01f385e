// SPDX-License-Identifier: Apache-2.0
// Where a path of the host leads, and through which directories: who can write to one of these decides where it leads.
// A root that is come by through another guest's tree is wherever that guest wants it to be.
#pragma once

#include <set>
#include <string>

namespace vunify {

struct Followed {
  std::string path;               // no symlink in it
  std::set<std::string> through;  // the directories in which a name was looked up, each without a symlink in it
  bool by_root = true;            // whatever symlinks were followed are root's

  // Through directory, or into it.
  bool enters(const std::string& directory) const { return through.contains(directory); }
};

// Follows an absolute path, symlink by symlink, to a directory. Nothing is opened but to hold it (O_PATH), and what is
// mounted on the directory itself is not asked. Throws std::system_error, naming the place where the way ends: ENOENT,
// ENOTDIR, ELOOP after 40 symlinks.
Followed follow(const std::string& path);

}  // namespace vunify
