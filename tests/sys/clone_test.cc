// SPDX-License-Identifier: Apache-2.0
#include "sys/clone.h"

#include "sys/root_dir.h"
#include "tests/sys/on_filesystem.h"

namespace vunify::test {
namespace {

class CloneOn : public OnFilesystem {
 protected:
  void write(const std::string& path, const std::string& content) const {
    dir().write(path, content);
    sync_filesystem(directory().get(), path);
  }
  bool share(const std::string& from, const std::string& to) const {
    return share_data(reader(from).get(), open_host(dir() / to, O_RDWR).get(), dir().inode(from).stamp.size);
  }
  bool same_places_now(const std::string& a, const std::string& b) const {
    sync_filesystem(directory().get(), a);
    return same_places(reader(a).get(), reader(b).get());
  }
};
class ReflinkOn : public CloneOn {};
INSTANTIATE_TEST_SUITE_P(Each, CloneOn, each_filesystem, filesystem_name);
INSTANTIATE_TEST_SUITE_P(Each, ReflinkOn, with_reflink, filesystem_name);

TEST_P(CloneOn, ReflinkIsWhatTheFilesystemCan) {
  EXPECT_EQ(has_reflink(directory().get()), GetParam() != "ext4");
  EXPECT_TRUE(dir().names().empty());
}

TEST_P(CloneOn, CopyHoldsTheSameBytes) {
  const std::string content = std::string(100000, 'x') + "end";
  dir().write("a", content);
  dir().write("b", "");
  copy_contents(reader("a").get(), open_host(dir() / "b", O_RDWR).get());
  EXPECT_EQ(dir().read("b"), content);
}

TEST_P(CloneOn, CopyEndsWithTheHoleThatTheFileEndsWith) {
  const auto from = dir() / "from", to = dir() / "to";
  write_all(open_host(from, O_WRONLY | O_CREAT, 0644).get(), "data", from);
  check(::truncate(from.c_str(), 1 << 20), "truncate");
  copy_contents(open_host(from, O_RDONLY).get(), open_host(to, O_RDWR | O_CREAT, 0644).get());
  EXPECT_EQ(stat_fd(open_host(to, O_RDONLY).get()).stamp.size, 1u << 20);
}

TEST_P(CloneOn, FilesOfTheirOwnHaveOtherPlaces) {
  write("a", std::string(256 << 10, 'x'));
  write("b", std::string(256 << 10, 'x'));
  EXPECT_FALSE(same_places_now("a", "b"));
  EXPECT_TRUE(same_places_now("a", "a"));
}

TEST_P(ReflinkOn, EqualBytesShareTheirPlaces) {
  write("a", std::string((256 << 10) + 7, 'x'));  // the end is no whole block
  write("b", std::string((256 << 10) + 7, 'x'));
  EXPECT_TRUE(share("a", "b"));
  EXPECT_TRUE(same_places_now("a", "b"));
  EXPECT_TRUE(extents_of(reader("b").get()).front().shared);
}

TEST_P(ReflinkOn, TwoViewsShareTheirPlaces) {
  write("a/f", std::string(256 << 10, 'x'));
  write("b/f", std::string(256 << 10, 'x'));
  RootDir a(dir() / "a"), b(dir() / "b");
  a.make_view();
  b.make_view();
  if (!a.has_view() || !b.has_view()) GTEST_SKIP() << "no views here";
  EXPECT_TRUE(share_data(a.open_to_read("f").get(), b.open_to_read("f").get(), 256 << 10));
  EXPECT_TRUE(same_places_now("a/f", "b/f"));
}

TEST_P(ReflinkOn, SharesMoreThanOneRound) {
  write("a", std::string(40 << 20, 'x'));
  write("b", std::string(40 << 20, 'x'));
  EXPECT_TRUE(share("a", "b"));
  EXPECT_TRUE(same_places_now("a", "b"));
}

TEST_P(ReflinkOn, OtherBytesAreNotShared) {
  write("a", std::string(256 << 10, 'x'));
  write("b", std::string((256 << 10) - 1, 'x') + "y");
  EXPECT_FALSE(share("a", "b"));
  EXPECT_EQ(dir().read("b").back(), 'y');
}

TEST_P(ReflinkOn, SharingKeepsTheMetadata) {
  write("a", std::string(64 << 10, 'x'));
  write("b", std::string(64 << 10, 'x'));
  const auto before = dir().inode("b");
  EXPECT_TRUE(share("a", "b"));
  EXPECT_EQ(dir().inode("b").stamp.mtime, before.stamp.mtime);
  EXPECT_EQ(dir().inode("b").ino, before.ino);
}

}  // namespace
}  // namespace vunify::test
