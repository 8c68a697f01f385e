// SPDX-License-Identifier: Apache-2.0
#include "change/fresh_copy.h"

#include <fcntl.h>
#include <gmock/gmock.h>

#include "tests/scratch.h"

namespace vunify::test {
namespace {

using testing::IsEmpty;

class AFreshCopy : public testing::Test {
 protected:
  void SetUp() override {
    dir_.make_directory("staging");
    staging_ = open_host(dir_ / "staging", O_RDONLY | O_DIRECTORY);
  }
  Held original() const {
    Held held;
    held.fd = open_host(dir_ / "f", O_RDONLY);
    held.seen = stat_fd(held.fd.get());
    held.metadata = read_metadata(held.fd.get());
    return held;
  }
  FreshCopy begin(std::uint64_t size) const {
    auto inode = original().seen;
    inode.stamp.size = size;
    return {staging_.get(), inode, false};
  }
  static std::string bytes_of(const Held& held) { return read_all(held.fd.get(), "copy"); }

  Scratch dir_{{"f", "same bytes"}};
  Fd staging_;
};

TEST_F(AFreshCopy, HasBytesAndMetadataOfItsOriginalAndAnInodeOfItsOwn) {
  shell_or_fail("cd " + dir_.root() + " && chown 7:8 f && setfattr -n user.x -v 1 f && chmod 4751 f && chattr +d f");
  auto copy = begin(10);
  copy.write(0, std::string("same bytes"));
  const auto held = copy.finish(original());
  EXPECT_EQ(bytes_of(held), "same bytes");
  EXPECT_EQ(held.metadata, original().metadata);
  EXPECT_NE(held.seen.ino, original().seen.ino);
  EXPECT_TRUE(held.lease && held.lease->held());
}

TEST_F(AFreshCopy, HasHolesWhereNothingIsWritten) {
  auto copy = begin(1 << 20);
  copy.write(500'000, std::string("same"));
  const auto held = copy.finish(original());
  EXPECT_EQ(bytes_of(held), std::string(500'000, '\0') + "same" + std::string((1 << 20) - 500'004, '\0'));
  EXPECT_LE(held.seen.bytes_on_disk(), 2 * 4096u);
}

TEST_F(AFreshCopy, IsDuplicatedAsFarAsItIsWritten) {
  auto copy = begin(8);
  copy.write(0, std::string("same"));
  auto other = copy.duplicate();
  copy.write(4, std::string("here"));
  other.write(4, std::string("else"));
  EXPECT_EQ(bytes_of(copy.finish(original())), "samehere");
  EXPECT_EQ(bytes_of(other.finish(original())), "sameelse");
}

TEST_F(AFreshCopy, IsNotBegunWhereTheDiskHasNoRoomForIt) {
  auto large = original().seen;
  large.blocks = (space_of(staging_.get()).free >> 9) * 2;
  EXPECT_THROW(FreshCopy(staging_.get(), large, false), std::system_error);
}

TEST_F(AFreshCopy, LeavesNoNameWhenItIsGivenUp) {
  begin(4).write(0, std::string("same"));
  EXPECT_THAT(dir_.names("staging"), IsEmpty());
}

TEST_F(AFreshCopy, IsRefusedWhereItCannotHaveAllMetadata) {
  auto copy = begin(4);
  auto odd = original();
  odd.metadata.mode ^= 0170000;  // nobody can set a file's type
  EXPECT_THROW(copy.finish(odd), std::system_error);
}

}  // namespace
}  // namespace vunify::test
