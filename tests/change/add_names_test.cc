// SPDX-License-Identifier: Apache-2.0
// A shared inode gets one name more, and is protected when it has it; what may not be shared gets none.
#include "change/add_names.h"

#include <fcntl.h>
#include <gtest/gtest.h>

#include <filesystem>

#include "tests/root_test.h"
#include "tests/shared.h"

namespace vunify::test {
namespace {

class AddedName : public RootTest {
 protected:
  AddedName() {
    for (const auto* name : {"state", "clone"}) dir_.make_directory(name);
  }
  AddRequest request(bool is_shared) const {
    return {.from = {&guest_, "file"},
            .to = {&clone_, "file"},
            .inode = {fs_id(guest_.fd()), dir_.inode("guest/file").ino},
            .is_shared = is_shared,
            .protection = by_flag()};
  }
  AddResult add(bool is_shared) const {
    NameAdder adder(dir_ / "state", guest_.fd(), dir_ / ".vunify");
    auto results = adder.run({request(is_shared)}, [] { return false; });
    adder.end();
    return std::move(results.front());
  }
  void expect_none(const AddResult& result, const std::string& reason) const {
    EXPECT_FALSE(result.is_added);
    EXPECT_EQ(result.reason, reason);
    EXPECT_FALSE(dir_.exists("clone/file"));
  }

  Scratch dir_{{"guest/file", "content"}, {"clone/x", "x"}};
  RootDir guest_{dir_ / "guest"}, clone_{dir_ / "clone"};
};

TEST_F(AddedName, LeadsToTheSharedInodeWhichIsProtectedThen) {
  std::filesystem::create_hard_link(dir_ / "guest/file", dir_ / "other");
  share(dir_ / "guest/file");
  EXPECT_TRUE(add(true).is_added);
  EXPECT_EQ(dir_.inode("clone/file").ino, dir_.inode("guest/file").ino);
  EXPECT_TRUE(is_shared(dir_ / "clone/file"));
}

TEST_F(AddedName, MakesSharedWhatWasOneGuestsAlone) {
  EXPECT_TRUE(add(false).is_added);
  EXPECT_TRUE(is_shared(dir_ / "clone/file"));
  EXPECT_EQ(dir_.inode("guest/file").nlink, 2U);
}

TEST_F(AddedName, IsNotGivenToAnInodeThatLostItsFlag) {
  std::filesystem::create_hard_link(dir_ / "guest/file", dir_ / "other");
  share(dir_ / "guest/file");
  shell_or_fail("chattr -i " + dir_ / "other");
  expect_none(add(true), "shared, and not protected");
}

TEST_F(AddedName, IsNotGivenToWhatTheGuestLinkedItself) {
  std::filesystem::create_hard_link(dir_ / "guest/file", dir_ / "guest/other");
  expect_none(add(false), "not to be shared");
  EXPECT_FALSE(has_mark(dir_ / "guest/file"));
}

TEST_F(AddedName, IsNotGivenToWhatIsOpenForWriting) {
  const Fd writer = open_host(dir_ / "guest/file", O_WRONLY);
  expect_none(add(false), "open for writing");
  EXPECT_FALSE(has_mark(dir_ / "guest/file"));
}

TEST_F(AddedName, ThatIsTakenLeavesThePrivateInodeAsItWas) {
  dir_.write("clone/file", "in the way");
  EXPECT_FALSE(add(false).is_added);
  EXPECT_FALSE(has_mark(dir_ / "guest/file"));
  EXPECT_FALSE(dir_.inode("guest/file").immutable);
}

}  // namespace
}  // namespace vunify::test
