// SPDX-License-Identifier: Apache-2.0
#include "host/unify_config.h"

#include "tests/host/vservers.h"

namespace vunify::test {
namespace {

using testing::ElementsAre;
using testing::HasSubstr;

class UnifyRules : public Vservers {
 protected:
  UnifyRules() { add("web"); }

  // In the guest's directory, in the default's.
  void own(const std::string& leaf, const std::string& text = "") const { write("web/apps/vunify/" + leaf, text); }
  void common(const std::string& leaf, const std::string& text = "") const {
    write(".defaults/apps/vunify/" + leaf, text);
  }

  UnifyConfig rules() const { return only().unify; }
};

TEST_F(UnifyRules, AreTheShippedOnesWhereNobodySaysMore) {
  EXPECT_TRUE(rules().exclude->excludes("/etc/shadow"));
  EXPECT_EQ(rules().protect, std::nullopt);
  EXPECT_EQ(rules().group, "");
  EXPECT_TRUE(rules().packages);
}

TEST_F(UnifyRules, OfTheHostReplaceTheShippedOnes) {
  common("exclude", "/opt\n");
  EXPECT_FALSE(rules().exclude->excludes("/etc/shadow"));
  EXPECT_EQ(rules().exclude->first_match("/opt")->source, dir / "etc/.defaults/apps/vunify/exclude");
}

TEST_F(UnifyRules, OfTheGuestReplaceThoseOfTheHost) {
  common("exclude", "/opt\n");
  own("exclude", "\n/srv");
  EXPECT_FALSE(rules().exclude->excludes("/opt"));
  EXPECT_EQ(rules().exclude->first_match("/srv")->line, 2);
}

TEST_F(UnifyRules, NameAProtection) {
  common("protect", "immutable\n");
  EXPECT_EQ(rules().protect, Protection::immutable);
  own("protect", "reflink");
  EXPECT_EQ(rules().protect, Protection::reflink);
  own("protect", "auto");
  EXPECT_EQ(rules().protect, std::nullopt);
}

TEST_F(UnifyRules, WithAnUnknownProtectionAreAMistake) {
  own("protect", "glass");
  EXPECT_THAT(complaints(),
              ElementsAre("web/apps/vunify/protect:1: not one of auto, cow, iunlink, guard, reflink, immutable"));
}

TEST_F(UnifyRules, NameAGroup) {
  common("group", "all");
  EXPECT_EQ(rules().group, "all");
  own("group", "\n");
  EXPECT_EQ(rules().group, "");
  own("group", "two words");
  EXPECT_THAT(complaints(), ElementsAre("web/apps/vunify/group:1: is not one word"));
}

TEST_F(UnifyRules, TakeAStoreOfTheGuestsOwnForItsGroup) {
  dir.make_directory("store");
  link("etc/web/apps/vunify/hash/00", dir / "store");
  EXPECT_EQ(rules().group, dir / "store");
  link("etc/.defaults/apps/vunify/hash/00", dir / "store");
  EXPECT_EQ(rules().group, "");
}

TEST_F(UnifyRules, OfPackageManagersAreDecidedByTheFirst) {
  common("pkgmgmt-force");
  EXPECT_TRUE(rules().packages);
  common("pkgmgmt-ignore");
  EXPECT_FALSE(rules().packages);
  own("pkgmgmt-force");
  EXPECT_TRUE(rules().packages);
  own("pkgmgmt-ignore");
  EXPECT_FALSE(rules().packages);
}

class Refservers : public UnifyRules {
 protected:
  Refservers() {
    add("ref");
    add("v2");
    write("v2/name", "other");
  }

  std::vector<std::string> of_web() const {
    const auto all = read();
    EXPECT_THAT(complaints(all), testing::IsEmpty());
    return all.guests.at(2).unify.refservers;
  }
};

TEST_F(Refservers, AreTakenInTheOrderOfTheirLinks) {
  link("etc/web/apps/vunify/refserver.01", "../../../ref");
  link("etc/web/apps/vunify/refserver.00", dir / "etc/v2/");
  own("refserver.02", "lxc:c1\n");
  EXPECT_THAT(of_web(), ElementsAre("other", "ref", "lxc:c1"));
}

TEST_F(Refservers, OfTheHostCountForAllButThemselves) {
  link("etc/.defaults/apps/vunify/refserver.00", "../../../ref");
  link("etc/.defaults/apps/vunify/refserver.01", "../../../web");
  EXPECT_THAT(of_web(), ElementsAre("ref"));
}

TEST_F(Refservers, MayBeConfiguredElsewhere) {
  dir.make_directory("elsewhere/deep");
  dir.make_directory("roots/far");
  link("etc/far", dir / "elsewhere/deep");
  link("etc/web/apps/vunify/refserver.00", "../../../far");
  const auto all = read();
  EXPECT_THAT(all.guests.at(3).unify.refservers, ElementsAre("far"));
}

TEST_F(Refservers, ThatAreNoGuestsAreAMistake) {
  link("etc/web/apps/vunify/refserver.00", dir / "roots");
  EXPECT_THAT(complaints(), ElementsAre(HasSubstr("refserver.00:0: leads to no guest of ")));
}

TEST_F(Refservers, ThatLeadNowhereAreAMistake) {
  link("etc/web/apps/vunify/refserver.00", "../../../gone");
  EXPECT_THAT(complaints(), ElementsAre("web/apps/vunify/refserver.00:0: leads nowhere"));
}

}  // namespace
}  // namespace vunify::test
