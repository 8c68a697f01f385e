// SPDX-License-Identifier: Apache-2.0
#include "unify/settle.h"

#include <fcntl.h>
#include <gtest/gtest.h>

#include "tests/shared.h"
#include "tests/unify/settled.h"

namespace vunify::test {
namespace {

void give_back(Survey& survey, const Places& places, const Run& run, Outcome& outcome) {
  give_back_last_names(survey, places, run, outcome);
}

TEST(SecondNameInAGuest, OfASharedInodeBecomesAFile) {
  const Scratch dir{{"a/f", "same"}, {"b/g", "other"}, {"c/g", "more"}};
  for (const auto* path : {"a/again", "b/f"}) link(dir, "a/f", path);
  share(dir / "a/f");
  Settled settled(dir);
  EXPECT_EQ(settled.by(separate_doubles).copied_files, 1u);
  EXPECT_NE(dir.inode("a/f").ino, dir.inode("a/again").ino);
  EXPECT_EQ(dir.inode("b/f").nlink, 2u);
  EXPECT_TRUE(is_shared(dir / "b/f"));
  EXPECT_EQ(dir.read("a/again") + dir.read("a/f"), "samesame");
}

TEST(LastName, OfASharedInodeIsItsGuestsAgain) {
  const Scratch dir{{"a/f", "same"}, {"b/g", "other"}, {"c/g", "more"}};
  share(dir / "a/f");
  Settled settled(dir);
  EXPECT_EQ(settled.by(give_back, true).unmarked_files, 1u);
  EXPECT_TRUE(is_shared(dir / "a/f"));
  EXPECT_EQ(settled.by(give_back).unmarked_files, 1u);
  EXPECT_FALSE(is_shared(dir / "a/f"));
  EXPECT_EQ(dir.read("a/f"), "same");
}

// A guest that has given its name up could write to it by that.
TEST(LastName, IsACopyForWhoeverHoldsTheInode) {
  const Scratch dir{{"a/f", "same"}, {"b/g", "other"}, {"c/g", "more"}};
  share(dir / "a/f");
  const Fd held = open_host(dir / "a/f", O_PATH);
  Settled(dir).by(give_back);
  EXPECT_NE(stat_fd(held.get()).ino, dir.inode("a/f").ino);
  EXPECT_THROW(open_host(proc_path(held.get()), O_WRONLY), std::system_error);
}

TEST(LastName, StaysSharedWhereAnotherCameMeanwhile) {
  const Scratch dir{{"a/f", "same"}, {"b/g", "other"}, {"c/g", "more"}};
  share(dir / "a/f");
  Settled settled(dir);
  ASSERT_EQ(shell("cd " + dir.root() + " && chattr -i a/f && ln a/f b/f && chattr +i a/f").status, 0);
  EXPECT_EQ(settled.by(give_back).unmarked_files, 0u);
  EXPECT_TRUE(is_shared(dir / "a/f"));
}

}  // namespace
}  // namespace vunify::test
