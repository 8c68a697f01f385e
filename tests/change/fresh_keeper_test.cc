// SPDX-License-Identifier: Apache-2.0
// Names led to a copy that none of their guests ever had in its hands.
#include <gmock/gmock.h>
#include <sys/syscall.h>

#include <set>

#include "tests/act_before.h"
#include "tests/change/linking_over.h"

namespace vunify::test {
namespace {

using testing::IsEmpty;

// To a copy that none of the guests ever had.
class LinkingToAFreshCopy : public LinkingOver {
 protected:
  void prove() {
    scene_.emplace(dir_, Names{"a", "b", "c"});
    const ProofRules rules{.copies_in = [this](std::uint32_t) { return staging_.get(); }};
    auto proof = scene_->prover(rules).prove(scene_->inodes(scene_->candidates.groups[0]));
    int leaf = 0;
    link_.emplace(fresh_request(*scene_, proof.classes.at(0)), ground_of(staging_.get()), [&] {
      return StagedName{staging_.get(), std::to_string(leaf++)};
    });
  }
};

TEST_F(LinkingToAFreshCopy, LeadsAllNamesToAnInodeThatNoGuestHad) {
  const std::set<std::uint64_t> before{ino("a/f"), ino("b/f"), ino("c/f")};
  prove();
  link();
  EXPECT_FALSE(before.contains(ino("a/f")));
  EXPECT_EQ(dir_.inode("a/f").nlink, 3u);
  for (const auto* path : {"a/f", "b/f", "c/f"}) EXPECT_EQ(dir_.read(path), "same");
  EXPECT_TRUE(is_shared(dir_ / "a/f"));
  EXPECT_THAT(dir_.names("staging"), IsEmpty());
}

TEST_F(LinkingToAFreshCopy, LinksTheOthersWhereOneHasChanged) {
  prove();
  chmod("a/f");
  link();
  EXPECT_EQ(result_.victims[0].end, LinkEnd::changed);
  EXPECT_EQ(dir_.inode("a/f").nlink, 1u);
  EXPECT_EQ(ino("b/f"), ino("c/f"));
}

TEST_F(LinkingToAFreshCopy, LeavesOneAloneWhereNoOtherIsLeft) {
  const auto before = ino("c/f");
  prove();
  chmod("a/f");
  chmod("b/f");
  link();
  EXPECT_EQ(result_.victims[2].end, LinkEnd::left_alone);
  EXPECT_FALSE(result_.has_linked());
  EXPECT_EQ(ino("c/f"), before);
  EXPECT_FALSE(is_shared(dir_ / "c/f"));
  EXPECT_THAT(dir_.names("staging"), IsEmpty());
}

// The keeper is protected by then: it is lifted once more.
TEST_F(LinkingToAFreshCopy, GivesBackWhatCannotBeRemoved) {
  const auto before = ino("a/f");
  prove();
  link_->run();
  link_->look_again();
  fail_call(SYS_unlinkat, 1, EIO, [this] { result_ = link_->finish(); });
  EXPECT_EQ(result_.victims[0].end, LinkEnd::failed);
  EXPECT_EQ(result_.victims[0].error, std::errc::io_error);
  EXPECT_EQ(ino("a/f"), before);
  EXPECT_FALSE(is_shared(dir_ / "a/f"));
  EXPECT_EQ(ino("b/f"), ino("c/f"));
  EXPECT_TRUE(is_shared(dir_ / "b/f"));
  EXPECT_THAT(dir_.names("staging"), IsEmpty());
}

// When a and b were seen to have changed only after the exchange.
TEST_F(LinkingToAFreshCopy, GivesTheLastOneBackItsOwn) {
  const auto before = ino("c/f");
  prove();
  const auto a = look_up("a/f"), b = look_up("b/f");
  link_->run();
  for (const auto* one : {&a, &b}) EXPECT_TRUE(is_kept_waiting(*one));
  link_->look_again();
  result_ = link_->finish();
  EXPECT_EQ(result_.victims[2].end, LinkEnd::left_alone);
  EXPECT_EQ(ino("c/f"), before);
  EXPECT_THAT(dir_.names("staging"), IsEmpty());
}

}  // namespace
}  // namespace vunify::test
