// SPDX-License-Identifier: Apache-2.0
// --manually: one tree is unified with references, each with an exclude list of its own; and what is said of each file.
#include <gmock/gmock.h>

#include "tests/root_test.h"
#include "tests/tools/guests.h"

namespace vunify::test {
namespace {

using testing::HasSubstr;
using testing::Not;

class VunifyManually : public RootTest {
 protected:
  Finished vunify(const Words& words) {
    Words all{"vunify", "--state", guests_ / "state", protect_by_flag()};
    all.insert(all.end(), words.begin(), words.end());
    return run(all);
  }
  Finished manually(Words words, const Words& names = {"a", "b", "c"}) {
    words.insert(words.begin(), "--manually");
    for (const auto& name : names) words.insert(words.end(), {guests_ / name, ""});
    return vunify(words);
  }
  bool are_apart(const std::string& path) const { return !guests_.are_one("a/" + path, "b/" + path); }

  // "b" and "c" have a file that "a" has not.
  Guests guests_{{{"a/usr/x", same("x")},
                  {"b/usr/x", same("x")},
                  {"c/usr/x", same("x")},
                  {"b/usr/y", same("longer")},
                  {"c/usr/y", same("longer")},
                  {"a/usr/own", same("own")}},
                 "/var/tmp",
                 {"a", "b", "c"}};
};

TEST_F(VunifyManually, UnifiesTheFirstWithTheReferencesAlone) {
  const auto finished = manually({"-x"});
  EXPECT_EQ(finished.status, 0) << finished.err;
  EXPECT_TRUE(guests_.are_one("a/usr/x", "b/usr/x"));
  EXPECT_FALSE(guests_.are_one("b/usr/y", "c/usr/y"));
  EXPECT_THAT(finished.out, HasSubstr("  not-asked\n"));
}

TEST_F(VunifyManually, TakesTheKeeperFromTheFirstReference) {
  const auto ino = guests_.inode("c/usr/x").ino;
  ASSERT_EQ(manually({"--sledgehammer"}, {"a", "c", "b"}).status, 0);
  EXPECT_EQ(guests_.inode("a/usr/x").ino, ino);
}

TEST_F(VunifyManually, ExcludesInEachTreeByItsOwnList) {
  guests_.write("list", "/usr/x\n");
  const auto list = guests_ / "list";
  ASSERT_EQ(vunify({"--manually", "--", guests_ / "a", "", guests_ / "b", list, guests_ / "c", ""}).status, 0);
  EXPECT_TRUE(are_apart("usr/x"));
  EXPECT_TRUE(guests_.are_one("a/usr/x", "c/usr/x"));
}

TEST_F(VunifyManually, AsksForNoSlash) {
  const auto finished =
      shell("cd " + guests_.root() + " && vunify --manually --state s " + protect_by_flag() + " a '' b ''");
  EXPECT_EQ(finished.status, 0) << finished.err;
  EXPECT_FALSE(are_apart("usr/x"));
}

TEST_F(VunifyManually, TakesTheFirstBack) {
  ASSERT_EQ(manually({}).status, 0);
  EXPECT_THAT(manually({"-Rvv"}).out, HasSubstr("deunifying '/usr/x'\n"));
  EXPECT_TRUE(are_apart("usr/x"));
  EXPECT_TRUE(guests_.are_one("b/usr/x", "c/usr/x"));
}

TEST_F(VunifyManually, WantsPairs) {
  const auto a = guests_ / "a", b = guests_ / "b";
  for (const Words& words : {Words{a, ""}, Words{a, "", b}, Words{a, "", b, guests_ / "nowhere"}, Words{"", "", b, ""},
                             Words{"--all", a, "", b, ""}, Words{"--delete", a, ""}}) {
    Words all{"--manually"};
    all.insert(all.end(), words.begin(), words.end());
    EXPECT_EQ(vunify(all).status, 2) << words.back();
  }
  EXPECT_TRUE(are_apart("usr/x"));
}

TEST_F(VunifyManually, TellsOfEachFileTheMoreItIsAsked) {
  const auto once = manually({"-nv"}).out;
  EXPECT_THAT(once, HasSubstr("unifying   '/usr/x'\n")) << "a dry run is as -vv";
  const auto skipped = manually({"-v"}).out;
  EXPECT_THAT(skipped, HasSubstr("  skipping '/usr/own'\n"));
  EXPECT_THAT(skipped, Not(HasSubstr("unifying")));
  EXPECT_THAT(manually({"-vv"}).out, Not(HasSubstr("'/usr/x'")));
  EXPECT_THAT(manually({"-vvv"}).out, HasSubstr("  skipping '/usr/x' (already unified)\n"));
}

TEST_F(VunifyManually, TellsWhyAndFromWhom) {
  guests_.write("a/srv/x", same("x"));
  guests_.write("list", "/srv/*\n");
  const auto out =
      vunify({"--manually", "-vvvv", guests_ / "a", guests_ / "list", guests_ / "b", "", guests_ / "c", ""}).out;
  EXPECT_THAT(out, HasSubstr("unifying   '/usr/x' (from b)\n"));
  EXPECT_THAT(out, HasSubstr("  skipping '/usr/own' (does not exist in refserver(s))\n"));
  EXPECT_THAT(out, HasSubstr("  skipping '/srv/x' (excluded by " + guests_ / "list" + ")\n"));
  EXPECT_THAT(out, Not(HasSubstr("/usr/y"))) << "of references nothing is told";
}

TEST_F(VunifyManually, TellsTheRootOfWhomFromTheFifthOn) {
  EXPECT_THAT(manually({"-vvvvv"}).out, HasSubstr("unifying   '/usr/x' (from " + guests_ / "b" + ")\n"));
}

TEST_F(VunifyManually, OtherwiseTellsFilesFromTheSecondOn) {
  const Words two{guests_ / "a", guests_ / "b"};
  EXPECT_THAT(vunify({"-nv", two[0], two[1]}).out, Not(HasSubstr("skipping")));
  const auto out = vunify({"-vv", two[0], two[1]}).out;
  EXPECT_THAT(out, HasSubstr("a (" + two[0] + ")\n"));
  EXPECT_THAT(out, HasSubstr("unifying   '/usr/x'\n"));
  EXPECT_THAT(out, HasSubstr("b (" + two[1] + ")\n"));
  EXPECT_THAT(out, HasSubstr("  skipping '/usr/y' (does not exist in refserver(s))\n"));
}

TEST_F(VunifyManually, TellsNoFileInJson) {
  const auto out = manually({"-vv", "--json"}).out;
  EXPECT_TRUE(Json::accept(out)) << out;
  EXPECT_EQ(Json::parse(out)["linked_files"], 2);
}

}  // namespace
}  // namespace vunify::test
