// SPDX-License-Identifier: Apache-2.0
// Extended attributes of an open inode, whole: ACLs, capabilities and labels are among them (xattr(7)).
#pragma once

#include <map>
#include <optional>
#include <string>
#include <string_view>

namespace vunify {

// Every attribute by name, in name order; empty where the filesystem has none. but: the name of one that is passed
// over.
std::map<std::string, std::string> read_xattrs(int fd, std::string_view but = {});

std::optional<std::string> get_xattr(int fd, const char* name);
// The same by name in a directory, symlinks not followed, without opening the file (before Linux 6.13 it needs /proc).
std::optional<std::string> get_xattr_at(int dir, const std::string& leaf, const char* name);
// Likewise. An empty leaf means the inode that the descriptor itself holds; O_PATH will do. The names come as
// listxattr(2) gives them, each with its NUL. Throw ENODATA, EEXIST, ENOTSUP as the calls do; flags are setxattr(2)'s.
std::string list_xattrs_at(int dir, const char* leaf);
void set_xattr_at(int dir, const char* leaf, const char* name, std::string_view value, int flags);
void remove_xattr_at(int dir, const char* leaf, const char* name);
void set_xattr(int fd, const std::string& name, const std::string& value);
void remove_xattr(int fd, const char* name);  // absent already: nothing happens

}  // namespace vunify
