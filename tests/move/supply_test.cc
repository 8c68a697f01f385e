// SPDX-License-Identifier: Apache-2.0
// What a guest here has is copied for one that comes, and believed for what the copy holds.
#include "move/supply.h"

#include <fcntl.h>
#include <gmock/gmock.h>
#include <sys/stat.h>
#include <sys/syscall.h>

#include "tests/act_before.h"
#include "tests/scratch.h"

namespace vunify::test {
namespace {

const std::string content(10000, 'c');

class SupplyHere : public testing::Test {
 protected:
  SupplyHere() {
    for (const auto* leaf : {"one", "two"})
      names_.push_back({.leaf = leaf, .mode = S_IFREG | 0640, .size = content.size()});
    dir_.make_directory("new");
    for (const std::uint32_t number : {1U, 2U}) supply_.need(number, sketch_of(fingerprint()));
  }

  Fingerprint fingerprint() const {
    dir_.write("wanted", content);
    return fingerprint_of(open_host(dir_ / "wanted", O_RDONLY).get(), key_);
  }
  void take_from(const std::string& file, bool ours = false) {
    supply_.take_from({{&here_, file, content.size(), false, 0}}, ours);
  }

  Scratch dir_{{{"guest/f", content}, {"guest/g", content}, {"guest/other", std::string(10000, 'o')}}};
  RootDir here_{dir_ / "guest"};
  TransferKey key_ = TransferKey::fresh();
  MovedNames names_{{.mode = S_IFDIR | 0755}};
  RootDir root_{(dir_.make_directory("new"), dir_ / "new")};
  NewTree tree_{root_, names_};
  Supply supply_{names_, tree_, key_};
};

TEST_F(SupplyHere, CopiesAContentToAllThatNeedIt) {
  take_from("f");
  for (const std::uint32_t number : {1U, 2U}) EXPECT_EQ(*supply_.met(number), fingerprint());
  EXPECT_EQ(dir_.read("new/one") + dir_.read("new/two"), content + content);
  EXPECT_NE(dir_.inode("new/one").ino, dir_.inode("new/two").ino);
  EXPECT_EQ(dir_.inode("new/one").mode & 0777, 0640U);
}

TEST_F(SupplyHere, CopiesNothingElse) {
  take_from("other");
  EXPECT_EQ(supply_.files(), 0U);
  EXPECT_TRUE(dir_.names("new").empty());
}

TEST_F(SupplyHere, BelievesTheCopyNotTheFile) {
  const auto work = [&] { take_from("f"); };
  act_before(SYS_copy_file_range, work, [&](int) { dir_.write("guest/f", std::string(10000, 'x')); });
  EXPECT_EQ(supply_.files(), 0U);
  EXPECT_TRUE(dir_.names("new").empty());
  take_from("g");
  EXPECT_EQ(supply_.files(), 2U) << "another file has it still";
}

TEST_F(SupplyHere, TakesBackWhatWasNotProven) {
  take_from("f");
  supply_.take_back(2);
  EXPECT_EQ(supply_.met(2), nullptr);
  EXPECT_EQ(supply_.bytes(), content.size());
  EXPECT_THAT(dir_.names("new"), testing::ElementsAre("one"));
}

TEST_F(SupplyHere, TakesOverWhatIsOursOnce) {
  const auto before = dir_.inode("guest/f").ino;
  take_from("f", true);
  const auto one = dir_.inode("new/one").ino, two = dir_.inode("new/two").ino;
  EXPECT_TRUE((one == before) != (two == before));
}

}  // namespace
}  // namespace vunify::test
