// SPDX-License-Identifier: Apache-2.0
#include "move/moved_name.h"

#include <sys/stat.h>

#include <algorithm>
#include <limits>

#include "sys/mark.h"
#include "sys/root_dir.h"

namespace vunify {
namespace {

constexpr std::size_t longest_leaf = 255;     // NAME_MAX
constexpr std::size_t longest_target = 4095;  // PATH_MAX
constexpr std::uint32_t second = 1000000000;  // ns

void expect(bool holds, const char* reason) {
  if (!holds) throw BadStream(reason);
}

bool is_leaf(std::string_view leaf) {
  constexpr std::string_view never("/\0", 2);
  return !leaf.empty() && leaf.size() <= longest_leaf && leaf != "." && leaf != ".." &&
         leaf.find_first_of(never) == std::string_view::npos;
}

bool is_moved_type(std::uint32_t mode) {
  return S_ISREG(mode) || S_ISDIR(mode) || S_ISLNK(mode) || S_ISCHR(mode) || S_ISBLK(mode) || S_ISFIFO(mode);
}

void check_place(const MovedName& name, const MovedNames& before) {
  if (before.empty()) return expect(name.leaf.empty(), "its root has a name");
  expect(is_leaf(name.leaf), "a name is none");
  expect(name.parent < before.size() && before[name.parent].is_directory(), "a name is in no directory");
}

void check_link(const MovedName& name, const MovedNames& before) {
  if (name.same_as == 0) return;
  expect(name.same_as < before.size(), "a link leads nowhere");
  const auto& inode = before[name.same_as];
  expect(!inode.is_directory() && inode.same_as == 0, "a link leads to what cannot be linked");
}

void check_inode(const MovedName& name, bool is_root) {
  expect(is_moved_type(name.mode) && (name.mode & ~(S_IFMT | 07777U)) == 0, "a file is of no type");
  expect(!is_root || name.is_directory(), "its root is no directory");
  expect(name.size <= std::numeric_limits<std::int64_t>::max(), "a size is none");
  expect(name.mtime.nsec < second, "a time is none");
  const bool has_nul = name.target.find('\0') != std::string::npos;
  expect(name.target.empty() != name.is_symlink() && name.target.size() <= longest_target && !has_nul,
         "a symlink leads nowhere");
}

std::size_t beginning_of_both(std::string_view one, std::string_view other) {
  return static_cast<std::size_t>(std::ranges::mismatch(one, other).in1 - one.begin());
}

std::string leaf_from(Fields& fields, const std::string& before) {
  const auto alike = fields.number<std::uint32_t>();
  expect(alike <= before.size(), "a name is none");
  return before.substr(0, alike) + std::string(fields.text());
}

void put_inode(std::string& bytes, const MovedName& name, const MovedName& before) {
  for (const auto number : {&MovedName::mode, &MovedName::uid, &MovedName::gid, &MovedName::flags, &MovedName::project})
    put_difference(bytes, name.*number, before.*number);
  put_difference(bytes, name.mtime.sec, before.mtime.sec);
  put_number(bytes, name.mtime.nsec);
  if (name.is_file()) put_number(bytes, name.size), put_number(bytes, name.is_sparse ? 1 : 0);
  if (name.is_device()) put_number(bytes, name.device);
  if (name.is_symlink()) put_text(bytes, name.target);
  put_number(bytes, name.xattrs.size());
  for (const auto& [attribute, value] : name.xattrs) {
    put_text(bytes, attribute);
    put_text(bytes, value);
  }
}

std::map<std::string, std::string> xattrs_from(Fields& fields) {
  std::map<std::string, std::string> xattrs;
  for (auto count = fields.number<std::uint32_t>(); count > 0; --count) {
    const std::string name(fields.text());
    expect(!name.empty() && name.size() <= longest_leaf && name.find('\0') == std::string::npos,
           "an attribute has no name");
    expect(!is_mark(name), "a file is said to be shared");
    xattrs.emplace(name, fields.text());
  }
  return xattrs;
}

void take_inode(MovedName& name, Fields& fields, const MovedName& before) {
  for (const auto number : {&MovedName::mode, &MovedName::uid, &MovedName::gid, &MovedName::flags, &MovedName::project})
    name.*number = fields.difference(before.*number);
  name.mtime = {fields.difference(before.mtime.sec), fields.number<std::uint32_t>()};
  if (name.is_file()) name.size = fields.number<std::uint64_t>(), name.is_sparse = fields.number<std::uint8_t>() != 0;
  if (name.is_device()) name.device = fields.number<std::uint64_t>();
  if (name.is_symlink()) name.target = fields.text();
  name.xattrs = xattrs_from(fields);
}

}  // namespace

bool MovedName::is_file() const { return S_ISREG(mode); }
bool MovedName::is_directory() const { return S_ISDIR(mode); }
bool MovedName::is_symlink() const { return S_ISLNK(mode); }
bool MovedName::is_device() const { return S_ISCHR(mode) || S_ISBLK(mode); }

std::string path_of(const MovedNames& names, std::uint32_t number) {
  std::vector<std::string_view> leaves;
  for (; number != 0; number = names[number].parent) leaves.push_back(names[number].leaf);
  std::string path;
  for (auto leaf = leaves.rbegin(); leaf != leaves.rend(); ++leaf) path = join_path(path, *leaf);
  return path;
}

std::string to_bytes(const MovedName& name, const MovedName& before) {
  std::string bytes;
  put_difference(bytes, name.parent, before.parent);
  const auto alike = beginning_of_both(name.leaf, before.leaf);
  put_number(bytes, alike);
  put_text(bytes, std::string_view(name.leaf).substr(alike));
  put_number(bytes, name.same_as);
  if (name.same_as == 0) put_inode(bytes, name, before);
  return bytes;
}

MovedName moved_name_from(Fields& fields, const MovedNames& before) {
  static const MovedName none;
  const auto& last = before.empty() ? none : before.back();
  MovedName name{.parent = fields.difference(last.parent), .leaf = leaf_from(fields, last.leaf)};
  name.same_as = fields.number<std::uint32_t>();
  check_place(name, before);
  check_link(name, before);
  if (name.same_as != 0) return name;
  take_inode(name, fields, last);
  check_inode(name, before.empty());
  return name;
}

}  // namespace vunify
