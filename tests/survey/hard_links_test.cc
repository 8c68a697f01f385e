// SPDX-License-Identifier: Apache-2.0
#include "survey/hard_links.h"

#include <fcntl.h>
#include <gmock/gmock.h>

#include <filesystem>

#include "survey/scan.h"
#include "sys/fd.h"
#include "sys/mark.h"
#include "tests/scene.h"
#include "tests/scratch.h"

namespace vunify::test {
namespace {

using testing::ElementsAre;
using testing::IsEmpty;
using testing::UnorderedElementsAre;

// Guests a, b and c of a directory; "/home" and "/own" are excluded.
class HardLinksOf {
 public:
  explicit HardLinksOf(const Scratch& dir, bool shares_data = false, std::vector<std::uint32_t> place = {0, 0, 0},
                       std::vector<std::uint32_t> group = {}) {
    guests_ = open_guests({dir / "a", dir / "b", dir / "c"}).guests;
    scan_ = scan_guests(excluding("/home\n/own", guests_), {}, Stop(), counters_);
    found_ = judge_hard_links(
        scan_.trees,
        {.place = std::move(place), .shares_data = std::vector<bool>(3, shares_data), .group = std::move(group)});
  }

  std::vector<std::vector<std::string>> leaving() const {
    std::vector<std::vector<std::string>> all;
    for (const auto& leaving : found_.leaving) {
      all.emplace_back();
      for (const auto name : leaving.names) all.back().push_back(tell(name));
      std::ranges::sort(all.back());
    }
    return all;
  }
  std::size_t staying() const { return found_.staying.size(); }
  std::size_t last_names() const { return found_.last_names.size(); }
  // Nothing for a file that the walk does not keep.
  std::optional<Verdict> verdict(const std::string& wanted) const {
    for (std::uint32_t guest = 0; guest < guests_.size(); ++guest)
      for (std::uint32_t file = 0; file < scan_.trees[guest].files().size(); ++file)
        if (tell({guest, file}) == wanted) return scan_.trees[guest].file(file).verdict;
    return std::nullopt;
  }

 private:
  std::string tell(NameRef name) const {
    return guests_[name.guest].name + "/" + scan_.trees[name.guest].path(name.file);
  }

  Counters counters_;
  std::vector<Guest> guests_;
  Scan scan_;
  HardLinks found_;
};

class HardLinksTest : public testing::Test {
 protected:
  void SetUp() override {
    for (const auto* guest : {"a", "b", "c"}) dir_.make_directory(std::string(guest) + "/home");
  }
  void link(const std::string& from, const std::string& to) const {
    std::filesystem::create_hard_link(dir_ / from, dir_ / to);
  }
  void mark(const std::string& path) const {
    const Fd file = open_host(dir_ / path, O_RDONLY);
    set_mark(file.get(), {fs_id(file.get()), stat_fd(file.get()).ino});
  }
  Scratch dir_{{"a/f", "same"}, {"elsewhere/x", "x"}};
};

TEST_F(HardLinksTest, OfOneGuestStayTogether) {
  link("a/f", "a/g");
  const HardLinksOf links(dir_);
  EXPECT_EQ(links.verdict("a/f"), Verdict::hard_linked);
  EXPECT_THAT(links.leaving(), IsEmpty());
}

TEST_F(HardLinksTest, OfAGuestAndItsExcludedPlacesAreItsOwn) {
  link("a/f", "a/home/f");
  const HardLinksOf links(dir_);
  EXPECT_EQ(links.verdict("a/f"), Verdict::hard_linked);
  EXPECT_EQ(links.verdict("a/home/f"), Verdict::excluded);
  EXPECT_THAT(links.leaving(), IsEmpty());
}

TEST_F(HardLinksTest, OfOneNameAGuestWaitToBeAdopted) {
  link("a/f", "b/f");
  const HardLinksOf links(dir_);
  EXPECT_EQ(links.verdict("b/f"), Verdict::open);
  EXPECT_THAT(links.leaving(), IsEmpty());
}

TEST_F(HardLinksTest, ArePartedWhereDataIsShared) {
  link("a/f", "b/f");
  const HardLinksOf links(dir_, true);
  EXPECT_THAT(links.leaving(), ElementsAre(ElementsAre("b/f")));
  EXPECT_EQ(links.staying(), 1u);
  EXPECT_EQ(links.verdict("a/f"), Verdict::open);
}

TEST_F(HardLinksTest, ArePartedWhereGuestsLieOnDifferentMounts) {
  link("a/f", "b/f");
  EXPECT_THAT(HardLinksOf(dir_, false, {0, 1, 0}).leaving(), ElementsAre(ElementsAre("b/f")));
  EXPECT_EQ(HardLinksOf(dir_, false, {0, no_place, 0}).verdict("a/f"), Verdict::outside_names);
}

TEST_F(HardLinksTest, ThatAGuestMadeLeaveTogether) {
  link("a/f", "a/g");
  for (const auto* path : {"b/f", "b/g", "c/f"}) link("a/f", path);
  const HardLinksOf links(dir_);
  EXPECT_THAT(links.leaving(), ElementsAre(ElementsAre("b/f", "b/g", "c/f")));
  EXPECT_EQ(links.staying(), 2u);
  EXPECT_EQ(links.verdict("a/f"), Verdict::hard_linked);
}

TEST_F(HardLinksTest, OfExcludedAndEmptyFilesArePartedToo) {
  dir_.write("a/home/secret", "x");
  dir_.write("a/empty", "");
  link("a/home/secret", "b/home/secret");
  link("a/empty", "b/empty");
  EXPECT_THAT(HardLinksOf(dir_).leaving(), UnorderedElementsAre(ElementsAre("b/home/secret"), ElementsAre("b/empty")));
}

TEST_F(HardLinksTest, OutsideAllGuestsAreTold) {
  link("a/f", "elsewhere/f");
  EXPECT_EQ(HardLinksOf(dir_).verdict("a/f"), Verdict::outside_names);
  link("a/f", "b/f");
  const HardLinksOf links(dir_);
  EXPECT_EQ(links.verdict("b/f"), Verdict::outside_names);
  EXPECT_THAT(links.leaving(), IsEmpty());
}

TEST_F(HardLinksTest, OfASharedInodeLeaveItWhereTheyAreExcluded) {
  link("a/f", "b/home/f");
  link("a/f", "b/home/g");
  mark("a/f");
  EXPECT_THAT(HardLinksOf(dir_).leaving(), ElementsAre(ElementsAre("b/home/f", "b/home/g")));
}

TEST_F(HardLinksTest, OfASharedInodeLeaveItWhereTheirGuestIsOfAnotherGroup) {
  for (const auto* name : {"b/f", "c/f"}) link("a/f", name);
  mark("a/f");
  const HardLinksOf links(dir_, false, {0, 0, 1}, {0, 0, 1});
  EXPECT_THAT(links.leaving(), ElementsAre(ElementsAre("c/f")));
  EXPECT_EQ(links.staying(), 2u);
}

TEST_F(HardLinksTest, OfASharedInodeThatIsExcludedEverywhereButOneLeave) {
  dir_.write("a/own", "x");
  link("a/own", "b/own");
  mark("a/own");
  EXPECT_THAT(HardLinksOf(dir_).leaving(), ElementsAre(ElementsAre("b/own")));
  std::filesystem::remove(dir_ / "b/own");
  ASSERT_EQ(shell("chattr +i " + dir_ / "a/own").status, 0);
  EXPECT_EQ(HardLinksOf(dir_).last_names(), 1u);
}

TEST_F(HardLinksTest, OfOtherGuestsAreAllThatIsKeptOfExcludedPlaces) {
  for (const auto* name : {"own", "twice", "both"}) dir_.write(std::string("a/home/deep/") + name, "x");
  link("a/home/deep/twice", "a/home/again");
  link("a/home/deep/both", "b/home/both");
  const HardLinksOf links(dir_);
  EXPECT_EQ(links.verdict("a/home/deep/own"), std::nullopt);
  EXPECT_EQ(links.verdict("a/home/deep/twice"), std::nullopt);
  EXPECT_EQ(links.verdict("a/home/deep/both"), Verdict::excluded);
}

}  // namespace
}  // namespace vunify::test
