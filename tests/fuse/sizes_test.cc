// SPDX-License-Identifier: Apache-2.0
// Shared files of uncommon sizes: what is a hole stays one, what is not copied costs nothing.
#include <sys/stat.h>

#include <algorithm>

#include "guest/mounted.h"
#include "sys/mark.h"
#include "tests/fuse/guest_mount.h"

namespace vunify::test {
namespace {

constexpr off_t tebibyte = off_t{1} << 40;

class Sizes : public GuestMount {
 protected:
  struct stat stat_of(const std::string& path) const {
    struct stat st {};
    check(::stat(mine(path).c_str(), &st), "stat", path);
    return st;
  }
  // Made natively, before the mount.
  Fd open_other(const std::string& path) const { return open_host(others(path), O_RDWR); }
  static void put(const Fd& file, const std::string& text, off_t at) {
    check(::pwrite(file.get(), text.data(), text.size(), at), "pwrite");
  }
  std::string get(const std::string& path, off_t at, std::size_t size) const {
    std::string text(size, '\0');
    check(::pread(open_host(mine(path), O_RDONLY).get(), text.data(), size, at), "pread", path);
    return text;
  }
  void open_to_write(const std::string& path) const { open_host(mine(path), O_WRONLY); }
};

// What it hashes of it image_of() reads whole: so it is removed before the end.
class HugeFile : public Sizes {
 protected:
  void share_huge(off_t size) const {
    const auto path = dir() / "huge";
    dir().write("huge", "");
    const Fd file = open_host(path, O_RDWR);
    resize(file.get(), static_cast<std::uint64_t>(size), path);
    for (const off_t at : {off_t{0}, size / 2, size - 7}) put(file, "extent\n", at);
    set_mark(file.get(), {fs_id(file.get()), stat_fd(file.get()).ino});
    check(::link(path.c_str(), mine("huge").c_str()), "link");
  }
  void expect_the_other_whole(off_t size) const {
    const Fd file = open_host(dir() / "huge", O_RDONLY);
    const auto inode = stat_fd(file.get());
    EXPECT_EQ(inode.stamp.size, static_cast<std::uint64_t>(size));
    char text[7];
    EXPECT_EQ(::pread(file.get(), text, sizeof text, size - 7), 7);
    EXPECT_EQ(std::string(text, 7), "extent\n");
  }
};

TEST_P(HugeFile, OfATebibyteIsThreeExtentsStill) {
  share_huge(tebibyte);
  mount();
  const auto before = stat_of("huge");
  open_to_write("huge");
  const auto after = stat_of("huge");
  EXPECT_EQ(dir().inode("huge").nlink, 1u);
  EXPECT_EQ(after.st_size, tebibyte);
  EXPECT_EQ(after.st_blocks, before.st_blocks);
  for (const off_t at : {off_t{0}, tebibyte / 2, tebibyte - 7}) EXPECT_EQ(get("huge", at, 7), "extent\n");
  EXPECT_EQ(get("huge", tebibyte / 4, 4096), std::string(4096, '\0'));
  expect_the_other_whole(tebibyte);
}

TEST_P(HugeFile, IsWrittenToPastFourGibibytes) {
  constexpr off_t size = (off_t{4} << 30) + 4096;
  share_huge(size);
  mount();
  const Fd file = open_host(mine("huge"), O_RDWR);
  put(file, "mine", size - 4);
  check(::ftruncate(file.get(), size + 10), "ftruncate");
  EXPECT_EQ(get("huge", size - 7, 10), std::string("extmine\0\0\0", 10));
  EXPECT_EQ(get("huge", size / 2, 7), "extent\n");
  expect_the_other_whole(size);
}

TEST_P(HugeFile, IsTruncatedWithoutACopy) {
  share_huge(tebibyte);
  mount();
  open_host(mine("huge"), O_WRONLY | O_TRUNC);
  EXPECT_EQ(stat_of("huge").st_size, 0);
  const auto mounted = list_mounted();
  const auto ours = std::ranges::find(mounted, daemon_of(mine("")), &Mounted::process);
  ASSERT_NE(ours, mounted.end());
  EXPECT_EQ(ours->broken_links, 1u);
  EXPECT_EQ(ours->copied_bytes, 0u);
  expect_the_other_whole(tebibyte);
}

INSTANTIATE_TEST_SUITE_P(BothWays, HugeFile, everywhere, name_of_each);

TEST_P(Sizes, OfNothingAreShared) {
  for (const auto* name : {"written", "truncated", "touched"}) share(name, "");
  mount();
  write_all(open_host(mine("written"), O_WRONLY).get(), "x", "written");
  open_host(mine("truncated"), O_WRONLY | O_TRUNC);
  must(run({"touch", mine("touched")}));
  EXPECT_EQ(read("written"), "x");
  for (const auto* name : {"written", "truncated", "touched"}) EXPECT_FALSE(is_shared(name)) << name;
}

// Room that was reserved reads as zeros, and takes none in the copy.
TEST_P(Sizes, ReservedAndNotWrittenReadAsZeros) {
  share("f", "");
  const Fd file = open_other("f");
  check(::fallocate(file.get(), 0, 0, 1 << 20), "fallocate");
  put(file, "data", 500'000);
  check(::fsync(file.get()), "fsync");
  mount();
  open_to_write("f");
  EXPECT_FALSE(is_shared("f"));
  EXPECT_EQ(stat_of("f").st_size, 1 << 20);
  EXPECT_LE(stat_of("f").st_blocks, (1 << 20) / 512 + 16);
  EXPECT_EQ(get("f", 500'000, 5), std::string("data\0", 5));
  EXPECT_EQ(get("f", 900'000, 100), std::string(100, '\0'));
}

TEST_P(Sizes, ReservedPastTheEndStayAsTheyAre) {
  share("f", "shared\n");
  check(::fallocate(open_other("f").get(), FALLOC_FL_KEEP_SIZE, 0, 1 << 20), "fallocate");
  mount();
  write_all(open_host(mine("f"), O_WRONLY | O_APPEND).get(), "more\n", "f");
  EXPECT_EQ(read("f"), "shared\nmore\n");
}

INSTANTIATE_TEST_SUITE_P(BothWays, Sizes, everywhere, name_of_each);

}  // namespace
}  // namespace vunify::test
