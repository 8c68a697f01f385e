// SPDX-License-Identifier: Apache-2.0
// What grows otherwise than by the bytes that somebody writes: directories by names that are moved, files through maps,
// by extent size hints, and by the blocks with which their pieces are found.
#include <sys/mman.h>

#include "sys/inode_attr.h"
#include "tests/fuse/limited_guest.h"

namespace vunify::test {
namespace {

class GrowthOnExt4 : public LimitedOn {};
class GrowthOnXfs : public LimitedOn {};
class LateGrowth : public LimitedOn {};

TEST_P(GrowthOnExt4, OfADirectoryThatNamesAreMovedIntoEndsAtTheLimit) {
  const auto name = [](int i) { return std::to_string(i) + std::string(200, 'n'); };
  for (int i = 0; i < 80; ++i) dir_->write("guest/from/" + name(i), "");
  dir_->make_directory("guest/to");
  limited_mount({2 * block, no_limit});
  int error = 0;
  for (int i = 0; i < 80 && error == 0; ++i)
    if (::rename(mine("from/" + name(i)).c_str(), mine("to/" + name(i)).c_str()) != 0) error = errno;
  EXPECT_EQ(error, ENOSPC);
  EXPECT_EQ(::rename(mine("from/" + name(79)).c_str(), mine("to/" + name(0)).c_str()), 0) << "over another";
  EXPECT_LE(dir_->inode("guest/to").bytes_on_disk(), 3 * block);
  expect_exact();
}

TEST_P(GrowthOnExt4, ThroughAMapTakesNothingOfWhatIsReserved) {
  limited_mount({100 * block, no_limit}, 50);
  const Fd file = open_host(mine("g"), O_RDWR | O_CREAT);
  ASSERT_EQ(::ftruncate(file.get(), 80 * block), 0);
  void* map = ::mmap(nullptr, 80 * block, PROT_READ | PROT_WRITE, MAP_SHARED, file.get(), 0);
  ASSERT_NE(map, MAP_FAILED);
  for (std::uint64_t at = 0; at < 80; ++at) static_cast<char*>(map)[at * block] = 'x';
  EXPECT_EQ(::msync(map, 80 * block, MS_SYNC), -1) << "nobody's, for a user may have written them";
  EXPECT_EQ(errno, ENOSPC);
  ::munmap(map, 80 * block);
  EXPECT_LE(dir_->inode("guest/g").bytes_on_disk(), 51 * block);
  EXPECT_EQ(write("r", 40 * block), 0);
}

TEST_P(GrowthOnXfs, ByAnExtentSizeHintEndsAtTheLimit) {
  constexpr std::uint64_t hint = 4096 * block;
  dir_->make_directory("guest/d");
  {
    const Fd directory = open_host(mine("d"), O_RDONLY);
    auto attributes = inode_attributes(directory.get());
    attributes.fsx_xflags |= FS_XFLAG_EXTSZINHERIT;
    attributes.fsx_extsize = hint;
    set_inode_attributes(directory.get(), attributes);
  }
  limited_mount({hint + hint / 2, no_limit});
  const auto write_one = [&](const std::string& path) {
    const Fd file = open_host(mine(path), O_RDWR | O_CREAT);
    check(::ftruncate(file.get(), 4 * hint), "ftruncate");
    return ::pwrite(file.get(), "x", 1, 2 * hint + 5) == 1 ? 0 : errno;
  };
  EXPECT_EQ(write_one("d/a"), 0);
  EXPECT_GE(dir_->inode("guest/d/a").bytes_on_disk(), hint) << "it is allocated whole";
  EXPECT_EQ(write_one("d/b"), ENOSPC);
  EXPECT_EQ(write("b", block), 0);
  expect_exact();
}

// The filesystem finds many pieces by blocks of their own, which it allocates when it writes them out.
TEST_P(LateGrowth, IsCounted) {
  limited_mount({4000 * block, no_limit});
  for (int i = 0; i < 20; ++i) {
    const Fd file = open_host(mine("g" + std::to_string(i)), O_WRONLY | O_CREAT);
    ASSERT_EQ(::fallocate(file.get(), FALLOC_FL_KEEP_SIZE, 0, i % 2 != 0 ? 60 * block : block), 0);
    for (int k = 0; k < 30; ++k) ASSERT_EQ(::pwrite(file.get(), "x", 1, k * 8192), 1);
  }
  must(run({"sync", "-f", *dir_ / "guest/.."}));
  for (int i = 0; i < 10; ++i) ASSERT_EQ(::unlink(mine("g" + std::to_string(i)).c_str()), 0);
  expect_exact();
}

INSTANTIATE_TEST_SUITE_P(Ext4, GrowthOnExt4, testing::Values("ext4"), name_of_each);
INSTANTIATE_TEST_SUITE_P(Xfs, GrowthOnXfs, testing::Values("xfs"), name_of_each);
INSTANTIATE_TEST_SUITE_P(Each, LateGrowth, testing::Values("ext4", "xfs", "btrfs"), name_of_each);

}  // namespace
}  // namespace vunify::test
