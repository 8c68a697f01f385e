// SPDX-License-Identifier: Apache-2.0
#include "survey/candidates.h"

#include <fcntl.h>
#include <gmock/gmock.h>

#include <filesystem>

#include "survey/shifted.h"
#include "sys/inode_attr.h"
#include "sys/mark.h"
#include "tests/scene.h"

namespace vunify::test {
namespace {

using testing::ElementsAre;
using testing::IsEmpty;

void link(const Scratch& dir, const std::string& from, const std::string& to) {
  std::filesystem::create_hard_link(dir / from, dir / to);
}

void share(const Scratch& dir, const std::string& path, bool immutable) {
  const Fd file = open_host(dir / path, O_RDONLY);
  set_mark(file.get(), {fs_id(file.get()), stat_fd(file.get()).ino});
  if (immutable) change_inode_flags(file.get(), FS_IMMUTABLE_FL, 0);
}

TEST(Candidates, AreEqualInSizeWhateverTheirNamesAndBytes) {
  const Scratch dir{{"a/1", "same"}, {"b/2", "Same"}, {"a/3", "longer"}, {"b/4", "shorter"}};
  const Scene scene(dir, {"a", "b"});
  EXPECT_THAT(scene.groups(), ElementsAre(ElementsAre("a/1", "b/2")));
  EXPECT_EQ(scene.verdict("a/3"), Verdict::no_twin);
  EXPECT_EQ(scene.verdict("b/4"), Verdict::no_twin);
}

TEST(Candidates, AgreeInModeOwnerAndMtime) {
  const Scratch dir{{"a/f", "same"}, {"b/f", "same"}};
  EXPECT_EQ(Scene(dir, {"a", "b"}).groups().size(), 1u);
  for (const std::string change : {"chmod 600 ", "chown 5 ", "chgrp 5 ", "touch -d 2021-01-01 "}) {
    shell("chown 0:0 " + (dir / "b/f") + "; chmod 644 " + (dir / "b/f") + "; touch -r " + (dir / "a/f ") +
          (dir / "b/f"));
    ASSERT_EQ(shell(change + (dir / "b/f")).status, 0);
    EXPECT_THAT(Scene(dir, {"a", "b"}).groups(), IsEmpty()) << change;
    EXPECT_EQ(Scene(dir, {"a", "b"}, {.metadata = false}).groups().size(), 1u) << change;
  }
  EXPECT_EQ(Scene(dir, {"a", "b"}, {.mtime = false}).groups().size(), 1u);
}

TEST(Candidates, AreOfOnePlace) {
  const Scratch dir{{"a/f", "same"}, {"b/f", "same"}, {"c/f", "same"}};
  EXPECT_THAT(Scene(dir, {"a", "b", "c"}, {}, {0, 1, 0}).groups(), ElementsAre(ElementsAre("a/f", "c/f")));
  EXPECT_THAT(Scene(dir, {"a", "b", "c"}, {}, {0, no_place, no_place}).groups(), IsEmpty());
}

TEST(Candidates, ComeLargestSavingFirst) {
  const std::string large(100'000, 'x'), small = "small";
  const Scratch dir{{"a/s", small}, {"b/s", small}, {"a/l", large}, {"b/l", large}};
  EXPECT_THAT(Scene(dir, {"a", "b"}).groups(), ElementsAre(ElementsAre("a/l", "b/l"), ElementsAre("a/s", "b/s")));
}

TEST(Candidates, AreNotOfOneGuestAlone) {
  const Scratch dir{{"a/1", "same"}, {"a/2", "same"}, {"b/3", "other size"}};
  const Scene scene(dir, {"a", "b"});
  EXPECT_THAT(scene.groups(), IsEmpty());
  EXPECT_EQ(scene.verdict("a/2"), Verdict::no_twin);
}

TEST(Candidates, AreNotWhatAGuestLinkedItself) {
  const Scratch dir{{"a/1", "same"}, {"b/1", "same"}, {"c/1", "same"}};
  link(dir, "a/1", "a/2");
  const Scene scene(dir, {"a", "b", "c"});
  EXPECT_THAT(scene.groups(), ElementsAre(ElementsAre("b/1", "c/1")));
  EXPECT_EQ(scene.verdict("a/1"), Verdict::hard_linked);
  EXPECT_EQ(scene.verdict("a/2"), Verdict::hard_linked);
}

// Its guest moved it while it was walked.
TEST(Candidates, AreNotSeenByMoreNamesThanTheyHave) {
  const Scratch dir{{"a/1", "same"}, {"a/2", "same"}, {"b/3", "other size"}};
  Scene scene(dir, {"a", "b"});
  auto& tree = scene.scan.trees[0];
  tree.file(1).ino = tree.file(0).ino;
  for (const std::uint32_t file : {0, 1}) tree.file(file).verdict = Verdict::open;
  find_candidates(scene.scan.trees, scene.place_of, {});
  for (const auto* name : {"a/1", "a/2"}) EXPECT_EQ(scene.verdict(name), Verdict::changed) << name;
}

// Its guest linked it while it was walked.
TEST(Candidates, AreNotWhatHadMoreNamesWhenItWasSeenAgain) {
  const Scratch dir{{"a/1", "same"}, {"a/2", "same"}, {"b/3", "other size"}};
  for (const std::uint32_t linked : {0, 1}) {
    Scene scene(dir, {"a", "b"});
    auto& tree = scene.scan.trees[0];
    tree.file(1).ino = tree.file(0).ino;
    tree.file(linked).verdict = Verdict::outside_names;
    tree.file(1 - linked).verdict = Verdict::open;
    find_candidates(scene.scan.trees, scene.place_of, {});
    EXPECT_EQ(tree.file(1 - linked).verdict, Verdict::changed) << linked;
  }
}

TEST(Candidates, AreNotLinkedToWhereWeDoNotLook) {
  const Scratch dir{{"a/1", "same"}, {"b/1", "same"}, {"a/2", "another"}, {"a/3", "another"}, {"elsewhere/1", "x"}};
  for (const auto* path : {"1", "2"}) link(dir, std::string("a/") + path, std::string("elsewhere/of") + path);
  const Scene scene(dir, {"a", "b"});
  EXPECT_THAT(scene.groups(), IsEmpty());
  EXPECT_EQ(scene.verdict("a/1"), Verdict::outside_names);
  EXPECT_EQ(scene.verdict("b/1"), Verdict::outside_names);
  EXPECT_EQ(scene.verdict("a/3"), Verdict::no_twin);  // the other one is its own guest's
}

TEST(Candidates, AreOneInodeForNamesInDifferentGuestsThatNobodyProtects) {
  const Scratch dir{{"a/1", "same"}, {"b/0", "other"}};
  link(dir, "a/1", "b/1");
  const Scene scene(dir, {"a", "b"});
  const auto inode = scene.inode("b/1");
  EXPECT_TRUE(scene.candidates.inodes[inode].complete);
  EXPECT_THAT(scene.candidates.unprotected, ElementsAre(inode));
  EXPECT_EQ(scene.verdict("a/1"), Verdict::open);
}

TEST(Candidates, TellMarkedInodesWhoseProtectionIsGone) {
  const Scratch dir{{"a/1", "same"}, {"b/0", "other"}};
  link(dir, "a/1", "b/1");
  share(dir, "a/1", false);
  EXPECT_EQ(Scene(dir, {"a", "b"}).candidates.unprotected.size(), 1u);
  share(dir, "a/1", true);
  EXPECT_THAT(Scene(dir, {"a", "b"}).candidates.unprotected, IsEmpty());
}

TEST(Candidates, TellMarkedInodesWithOneNameLeft) {
  const Scratch dir{{"a/1", "same"}, {"b/0", "other"}};
  share(dir, "a/1", true);
  const Scene scene(dir, {"a", "b"});
  EXPECT_THAT(scene.candidates.last_names, ElementsAre(scene.inode("a/1")));
}

TEST(Candidates, AreNotOpenedWhereEveryTwoHaveAGuestInCommon) {
  const Scratch dir{{"a/1", "same"}, {"a/2", "same"}};
  link(dir, "a/1", "b");
  std::filesystem::remove(dir / "b");
  for (const auto* guest : {"b", "c"}) dir.make_directory(guest);
  link(dir, "a/1", "b/1");
  link(dir, "a/2", "b/2");
  for (const auto* path : {"a/1", "a/2"}) share(dir, path, true);
  EXPECT_THAT(Scene(dir, {"a", "b", "c"}).groups(), IsEmpty());
  dir.write("c/1", "same");
  EXPECT_EQ(Scene(dir, {"a", "b", "c"}).groups().size(), 1u);
}

TEST(Shifted, AreFilesWhoseOwnersDifferByAConstant) {
  const Scratch dir{{"a/f", "same"}, {"b/f", "same"},   {"a/g", "else"},
                    {"b/g", "else"}, {"a/h", "others"}, {"b/i", "others"}};
  for (const std::string command : {"chown 100000:100000 ", "chown 100005:100007 "})
    ASSERT_EQ(shell(command + (dir / (command.starts_with("chown 100000") ? "b/f" : "b/g"))).status, 0);
  ASSERT_EQ(shell("chown 100000:100000 " + (dir / "b/i")).status, 0);
  Scene scene(dir, {"a", "b"});
  const auto found = find_shifted(scene.scan.trees, scene.place_of);
  ASSERT_EQ(found.groups.size(), 1u);
  EXPECT_EQ(scene.name(found.names[0]), "a/f");
  EXPECT_EQ(scene.name(found.names[1]), "b/f");
}

}  // namespace
}  // namespace vunify::test
