// SPDX-License-Identifier: Apache-2.0
// How tests go through a tree: by open directories, never by one long path, for they make trees deeper than PATH_MAX.
#pragma once

#include <sys/stat.h>

#include <functional>
#include <string>
#include <vector>

#include "sys/fd.h"

namespace vunify::test {

// Opens path beneath root, in steps that are shorter than PATH_MAX.
Fd open_directory(const std::string& root, std::string path);
Fd open_parent(const std::string& root, const std::string& path);
std::string leaf_of(const std::string& path);

// The names in a directory, sorted.
std::vector<std::string> list(int dir);

// Shows every name beneath root, a directory before what it holds. Symlinks are not followed.
using Look = std::function<void(int dir, const std::string& leaf, const std::string& path, const struct stat& st)>;

void for_each_name(const std::string& root, const Look& look);

// A new directory in where; unmounts all that is mounted beneath root; removes root, immutable files included.
std::string make_temporary(const std::string& where);
void unmount_beneath(const std::string& root);
void remove_tree(const std::string& root);

}  // namespace vunify::test
