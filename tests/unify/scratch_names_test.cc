// SPDX-License-Identifier: Apache-2.0
// What a night makes of names that a crash of the kernel left, in a kernel that leaves them.
#include <fcntl.h>
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <filesystem>

#include "change/worker_directory.h"
#include "guest/staging.h"
#include "sys/fd.h"
#include "sys/inode_attr.h"
#include "tests/tools/guests.h"

namespace vunify::test {
namespace {

using testing::HasSubstr;
using testing::Not;

class LeftInKernelCow : public testing::Test {
 protected:
  LeftInKernelCow() : guests_{{{"a/d/f", "same"}, {"b/d/f", "same"}, {"a/d/.cowlink", "same"}, {"b/.cowlink.1", ""}}} {
    leave("a/d/.cowlink");
    leave("b/.cowlink.1");  // of a file that was about to be truncated
  }

  void leave(const std::string& path) const {
    change_inode_flags(open_host(guests_ / path, O_RDONLY).get(), FS_IUNLINK_FL, 0);
  }

  Guests guests_;
};

// Else a link would be broken there, of a guest that had looked its file up before it came there.
TEST_F(LeftInKernelCow, StagingIsABarrier) {
  const auto opened = open_guests({guests_ / "a", guests_ / "b"});
  const Staging staging(std::vector<const Guest*>{&opened.guests[0], &opened.guests[1]});
  EXPECT_NE(inode_flags(staging.fd()) & FS_BARRIER_FL, 0u);
  const auto worker = make_worker_directory(staging.fd(), "0");
  EXPECT_NE(inode_flags(open_directory_at(staging.fd(), worker, worker).get()) & FS_BARRIER_FL, 0u);
}

TEST_F(LeftInKernelCow, GoesAndIsTold) {
  const auto night = guests_.vunify();
  EXPECT_EQ(night.status, 0) << night.err << night.out;
  EXPECT_THAT(night.out, HasSubstr("d/.cowlink"));
  EXPECT_THAT(night.out, HasSubstr(".cowlink.1: the kernel left it in a crash"));
  EXPECT_EQ(guests_.names("a/d"), Words{"f"});
  EXPECT_EQ(guests_.names("b"), Words{"d"});
  EXPECT_FALSE(guests_.exists(".vunify"));
  EXPECT_THAT(guests_.vunify().out, Not(HasSubstr("crash")));
}

TEST_F(LeftInKernelCow, StaysInADryRunWhichTellsIt) {
  EXPECT_THAT(guests_.vunify({"-n"}).out, HasSubstr("a run removes it"));
  EXPECT_TRUE(guests_.exists("a/d/.cowlink"));
}

TEST_F(LeftInKernelCow, IsNotWhatAGuestMadeOfThatName) {
  guests_.write("a/.cowlink", "own");
  guests_.write("b/.cowlink", "own");
  guests_.vunify();
  EXPECT_TRUE(guests_.exists("a/.cowlink"));
  EXPECT_TRUE(guests_.are_one(".cowlink"));
  guests_.vunify();
  EXPECT_EQ(guests_.read("a/.cowlink"), "own");
}

// Killed after it was taken out of its guest.
TEST_F(LeftInKernelCow, GoesFromStagingAtTheNextStart) {
  std::filesystem::create_directory(guests_ / ".vunify");
  std::filesystem::permissions(guests_ / ".vunify", std::filesystem::perms::owner_all);
  std::filesystem::rename(guests_ / "a/d/.cowlink", guests_ / ".vunify/.cowlink");
  EXPECT_EQ(guests_.report()["recovered_files"], 1);
  EXPECT_FALSE(guests_.exists(".vunify"));
}

}  // namespace
}  // namespace vunify::test
