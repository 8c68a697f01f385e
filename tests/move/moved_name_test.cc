// SPDX-License-Identifier: Apache-2.0
// What comes through the pipe is believed for nothing: no bytes make a name that leads out of the tree.
#include "move/moved_name.h"

#include <gmock/gmock.h>
#include <sys/stat.h>

namespace vunify::test {
namespace {

MovedName directory() { return {.mode = S_IFDIR | 0755}; }
MovedName file(const std::string& leaf) { return {.leaf = leaf, .mode = S_IFREG | 0644, .size = 7}; }

MovedName comes_after(const MovedNames& before, const std::string& bytes) {
  Fields fields(bytes);
  auto name = moved_name_from(fields, before);
  fields.expect_end();
  return name;
}
MovedName comes_after(const MovedNames& before, const MovedName& name) {
  return comes_after(before, to_bytes(name, before.back()));
}
// A root, and what comes next.
MovedName after_root(const MovedName& name) { return comes_after({directory()}, name); }

TEST(MovedName, ComesAsItWent) {
  auto name = file("f");
  name.mtime = {-5, 999999999};
  name.is_sparse = true;
  name.xattrs = {{"user.a", std::string("\0b", 2)}, {"security.capability", ""}};
  EXPECT_EQ(to_bytes(after_root(name), {}), to_bytes(name, {}));
}

TEST(MovedName, TellsOnlyWhatIsNotAsBefore) {
  auto one = file("a-long-name-of-a-file-1"), two = file("a-long-name-of-a-file-2");
  one.mtime = two.mtime = {1700000000, 0};
  one.uid = two.uid = 4000000000;
  two.gid = 5;
  EXPECT_LT(to_bytes(two, one).size(), 20U);
  EXPECT_EQ(to_bytes(comes_after({directory(), one}, two), {}), to_bytes(two, {}));
  EXPECT_EQ(to_bytes(comes_after({directory(), two}, one), {}), to_bytes(one, {}));
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
  EXPECT_THROW(comes_after(with_file, in_itself), BadStream) << "in a file";
}

TEST(MovedName, IsLinkedToNoDirectoryAndNothingToCome) {
  const MovedNames before = {directory(), {.leaf = "d", .mode = S_IFDIR}};
  for (const std::uint32_t number : {1U, 2U, 4000000000U})
    EXPECT_THROW(comes_after(before, MovedName{.leaf = "l", .same_as = number}), BadStream) << number;
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
  const MovedNames before = {directory()};
  const auto bytes = to_bytes(file("f"), before.back());
  for (std::size_t size = 0; size < bytes.size(); ++size)
    EXPECT_THROW(comes_after(before, bytes.substr(0, size)), BadStream) << size;
  EXPECT_THROW(comes_after(before, bytes + "x"), BadStream);
}

}  // namespace
}  // namespace vunify::test
