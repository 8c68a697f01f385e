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
  FreshCopy begin(std::uint64_t size) const { return {staging_.get(), size}; }
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

TEST_F(AFreshCopy, IsWrittenInPiecesAndHasHolesForZeros) {
  std::string bytes(1 << 20, '\0');
  bytes[0] = bytes[500'000] = bytes.back() = 'x';
  auto copy = begin(bytes.size());
  for (std::size_t at = 0; at < bytes.size(); at += 128 << 10) copy.write(at, std::span(bytes).subspan(at, 128 << 10));
  const auto held = copy.finish(original());
  EXPECT_EQ(bytes_of(held), bytes);
  EXPECT_LE(held.seen.bytes_on_disk(), 3 * 4096u);
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
  const auto free = space_of(staging_.get()).free;
  EXPECT_THROW(begin(free + (std::uint64_t{1} << 40)), std::system_error);
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
