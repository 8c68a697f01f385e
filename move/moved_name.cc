// SPDX-License-Identifier: Apache-2.0
#include "move/moved_name.h"

#include <sys/stat.h>

#include <algorithm>
#include <limits>

#include "move/fields.h"
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

}  // namespace

bool MovedName::is_file() const { return S_ISREG(mode); }
bool MovedName::is_directory() const { return S_ISDIR(mode); }
bool MovedName::is_symlink() const { return S_ISLNK(mode); }

std::string path_of(const MovedNames& names, std::uint32_t number) {
  std::vector<std::string_view> leaves;
  for (; number != 0; number = names[number].parent) leaves.push_back(names[number].leaf);
  std::string path;
  for (auto leaf = leaves.rbegin(); leaf != leaves.rend(); ++leaf) path = join_path(path, *leaf);
  return path;
}

std::string to_bytes(const MovedName& name) {
  std::string bytes;
  put(bytes, name.parent);
  put_text(bytes, name.leaf);
  put(bytes, name.same_as);
  if (name.same_as != 0) return bytes;
  for (const auto number : {name.mode, name.uid, name.gid, name.flags, name.project}) put(bytes, number);
  put(bytes, static_cast<std::uint64_t>(name.mtime.sec));
  put(bytes, name.mtime.nsec);
  put(bytes, name.size);
  put(bytes, static_cast<std::uint8_t>(name.is_sparse));
  put(bytes, name.device);
  put_text(bytes, name.target);
  put(bytes, static_cast<std::uint32_t>(name.xattrs.size()));
  for (const auto& [attribute, value] : name.xattrs) {
    put_text(bytes, attribute);
    put_text(bytes, value);
  }
  return bytes;
}

MovedName moved_name_from(std::string_view bytes, const MovedNames& before) {
  Fields fields(bytes);
  MovedName name{.parent = fields.number<std::uint32_t>(), .leaf = std::string(fields.text())};
  name.same_as = fields.number<std::uint32_t>();
  check_place(name, before);
  check_link(name, before);
  if (name.same_as == 0) {
    for (auto* number : {&name.mode, &name.uid, &name.gid, &name.flags, &name.project})
      *number = fields.number<std::uint32_t>();
    name.mtime.sec = static_cast<std::int64_t>(fields.number<std::uint64_t>());
    name.mtime.nsec = fields.number<std::uint32_t>();
    name.size = fields.number<std::uint64_t>();
    name.is_sparse = fields.number<std::uint8_t>() != 0;
    name.device = fields.number<std::uint64_t>();
    name.target = fields.text();
    name.xattrs = xattrs_from(fields);
    check_inode(name, before.empty());
  }
  fields.expect_end();
  return name;
}

}  // namespace vunify
