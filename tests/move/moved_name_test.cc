// SPDX-License-Identifier: Apache-2.0
// What comes through the pipe is believed for nothing: no bytes make a name that leads out of the tree.
#include "move/moved_name.h"

#include <gmock/gmock.h>
#include <sys/stat.h>

#include "move/fields.h"

namespace vunify::test {
namespace {

MovedName directory() { return {.mode = S_IFDIR | 0755}; }
MovedName file(const std::string& leaf) { return {.leaf = leaf, .mode = S_IFREG | 0644, .size = 7}; }

// A root, and what comes next.
MovedName after_root(const MovedName& name) {
  const MovedNames before = {directory()};
  return moved_name_from(to_bytes(name), before);
}

TEST(MovedName, ComesAsItWent) {
  auto name = file("f");
  name.mtime = {-5, 999999999};
  name.is_sparse = true;
  name.xattrs = {{"user.a", std::string("\0b", 2)}, {"security.capability", ""}};
  EXPECT_EQ(to_bytes(after_root(name)), to_bytes(name));
}

TEST(MovedName, LeadsNowhereButIntoADirectoryOfTheTree) {
  for (const std::string leaf : {"", ".", "..", "a/b", "/etc", "../x"})
    EXPECT_THROW(after_root(file(leaf)), BadStream) << leaf;
  EXPECT_THROW(after_root(file(std::string("a\0b", 3))), BadStream);
  EXPECT_THROW(after_root(file(std::string(256, 'a'))), BadStream);
  auto in_itself = file("f");
  in_itself.parent = 1;
  EXPECT_THROW(after_root(in_itself), BadStream);
  const MovedNames with_file = {directory(), file("f")};
  EXPECT_THROW(moved_name_from(to_bytes(in_itself), with_file), BadStream) << "in a file";
}

TEST(MovedName, IsLinkedToNoDirectoryAndNothingToCome) {
  const MovedNames before = {directory(), {.leaf = "d", .mode = S_IFDIR}};
  for (const std::uint32_t number : {1U, 2U, 4000000000U})
    EXPECT_THROW(moved_name_from(to_bytes(MovedName{.leaf = "l", .same_as = number}), before), BadStream) << number;
}

TEST(MovedName, IsOfAKindThatTheKernelHas) {
  auto name = file("f");
  name.mode = 0644;
  EXPECT_THROW(after_root(name), BadStream);
  name = file("f");
  name.size = ~0ULL;
  EXPECT_THROW(after_root(name), BadStream);
  name = file("f");
  name.mtime.nsec = 1000000000;
  EXPECT_THROW(after_root(name), BadStream);
  EXPECT_THROW(after_root({.leaf = "l", .mode = S_IFLNK | 0777}), BadStream) << "without a target";
}

TEST(MovedName, IsNeverMarked) {
  auto name = file("f");
  name.xattrs = {{"trusted.vunify", std::string(12, 'x')}};
  EXPECT_THROW(after_root(name), BadStream);
}

TEST(MovedName, IsAsLongAsItSays) {
  const auto bytes = to_bytes(file("f"));
  const MovedNames before = {directory()};
  for (std::size_t size = 0; size < bytes.size(); ++size)
    EXPECT_THROW(moved_name_from(bytes.substr(0, size), before), BadStream) << size;
  EXPECT_THROW(moved_name_from(bytes + "x", before), BadStream);
}

}  // namespace
}  // namespace vunify::test
