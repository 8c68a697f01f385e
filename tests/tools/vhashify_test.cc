// SPDX-License-Identifier: Apache-2.0
// vhashify: one guest with all others of the host; or trees one after another, by hand.
#include <gmock/gmock.h>

#include "tests/root_test.h"
#include "tests/tools/configured_guests.h"

namespace vunify::test {
namespace {

using testing::HasSubstr;
using testing::Not;

const std::string hashified(5000, 'x');

class Vhashify : public RootTest {
 protected:
  void SetUp() override {
    RootTest::SetUp();
    guests_.fill({"a", "b", "c"}, "usr/x", hashified);
    guests_.fill({"b", "c"}, "usr/y", hashified + "y");
    guests_.set(".defaults/apps/vunify/protect", flag_name());
  }
  using Words = ConfiguredGuests::Words;

  Finished vhashify(const Words& options) const {
    Words words = {"vhashify", "--config", guests_ / "config", "--state", guests_ / "state"};
    words.insert(words.end(), options.begin(), options.end());
    return run(words);
  }
  Finished manually(Words options, const std::string& guest, const std::string& list = "") const {
    options.insert(options.end(), {"--manually", protect_by_flag(), "--destination", guests_ / "hash", "--",
                                   guests_ / ("vs/" + guest), list});
    return vhashify(options);
  }

  ConfiguredGuests guests_{{"a", "b", "c"}};
};

TEST_F(Vhashify, UnifiesAGuestWithAllOthersOfTheHost) {
  const auto finished = vhashify({"a"});
  EXPECT_EQ(finished.status, 0) << finished.err;
  EXPECT_TRUE(guests_.are_one("a/usr/x", "b/usr/x") && guests_.are_one("a/usr/x", "c/usr/x"));
}

TEST_F(Vhashify, LeavesWhatOnlyTheOthersHaveInCommon) {
  EXPECT_THAT(vhashify({"a"}).out, HasSubstr("  not-asked\n"));
  EXPECT_FALSE(guests_.are_one("b/usr/y", "c/usr/y"));
  ASSERT_EQ(vhashify({"b"}).status, 0);
  EXPECT_TRUE(guests_.are_one("b/usr/y", "c/usr/y"));
}

TEST_F(Vhashify, LinksNothingTwice) {
  for (const std::string guest : {"a", "b", "c"}) ASSERT_EQ(vhashify({guest}).status, 0);
  for (const std::string guest : {"a", "b", "c"}) EXPECT_THAT(vhashify({guest}).out, HasSubstr("linked 0 files"));
}

TEST_F(Vhashify, PassesAGuestByThatIsOff) {
  ASSERT_EQ(guests_.vunify({"-R", "c"}).status, 0);
  ASSERT_EQ(vhashify({"a"}).status, 0);
  EXPECT_TRUE(guests_.are_one("a/usr/x", "b/usr/x"));
  EXPECT_FALSE(guests_.are_one("a/usr/x", "c/usr/x"));
}

TEST_F(Vhashify, TakesADirectory) {
  guests_.write("new/usr/x", hashified);
  ASSERT_EQ(vhashify({protect_by_flag(), guests_ / "new"}).status, 0);
  EXPECT_EQ(guests_.inode("new/usr/x").ino, guests_.inode("vs/a/usr/x").ino);
}

TEST_F(Vhashify, TakesTheOptionsThatScriptsHave) {
  const auto finished = vhashify(
      {"-v", "--refresh", "--ignore-mtime", "--insecure", "--sledgehammer", "--destination", guests_ / "store", "a"});
  EXPECT_EQ(finished.status, 0) << finished.err;
  EXPECT_THAT(finished.out, HasSubstr("--destination: there is no store any more"));
  EXPECT_FALSE(guests_.exists("store"));
  EXPECT_TRUE(guests_.are_one("a/usr/x", "b/usr/x"));
}

TEST_F(Vhashify, TellsOfEachFileOfTheGuest) {
  guests_.fill({"a"}, "srv/small", "");
  guests_.set("a/apps/vunify/exclude", "/etc/*");
  guests_.fill({"a", "b"}, "etc/z", hashified);
  const auto out = vhashify({"-vv", "a"}).out;
  EXPECT_THAT(out, HasSubstr("unifying   '/usr/x'\n"));
  EXPECT_THAT(out, HasSubstr("  skipping '/srv/small' (too small)\n"));
  EXPECT_THAT(out, HasSubstr("  skipping '/etc/z' (excluded)\n"));
  EXPECT_THAT(out, Not(HasSubstr("/usr/y"))) << "that is another guest's";
  EXPECT_THAT(vhashify({"-vvv", "a"}).out, HasSubstr("  skipping '/usr/x' (already unified)\n"));
}

TEST_F(Vhashify, ChangesNothingInADryRun) {
  EXPECT_THAT(vhashify({"-n", "a"}).out, HasSubstr("unifying   '/usr/x'\n"));
  EXPECT_FALSE(guests_.are_one("a/usr/x", "b/usr/x") || guests_.exists("state"));
  EXPECT_EQ(manually({"-n"}, "a").status, 0);
  EXPECT_FALSE(guests_.exists("hash"));
}

TEST_F(Vhashify, WantsOneGuest) {
  for (const Words& words : {Words{}, Words{"a", "b"}, Words{""}, Words{"nobody"}})
    EXPECT_EQ(vhashify(words).status, 2);
  shell_or_fail("rm " + guests_ / "config/a/vdir" + " && ln -s /nowhere " + guests_ / "config/a/vdir");
  EXPECT_NE(vhashify({"a"}).status, 0);
  EXPECT_FALSE(guests_.are_one("b/usr/x", "c/usr/x"));
}

TEST_F(Vhashify, FindsByHandWhatEarlierCallsHad) {
  for (const std::string guest : {"a", "b", "c"}) ASSERT_EQ(manually({}, guest).status, 0);
  EXPECT_TRUE(guests_.are_one("a/usr/x", "b/usr/x") && guests_.are_one("a/usr/x", "c/usr/x"));
  EXPECT_TRUE(guests_.are_one("b/usr/y", "c/usr/y"));
  for (const std::string guest : {"a", "b", "c"}) EXPECT_THAT(manually({}, guest).out, HasSubstr("linked 0 files"));
}

TEST_F(Vhashify, KeepsToTheListsOfEarlierCalls) {
  guests_.write("list", "/usr/x\n");
  ASSERT_EQ(manually({}, "a", guests_ / "list").status + manually({}, "b").status + manually({}, "c").status, 0);
  EXPECT_FALSE(guests_.are_one("a/usr/x", "b/usr/x"));
  EXPECT_TRUE(guests_.are_one("b/usr/x", "c/usr/x"));
}

TEST_F(Vhashify, ForgetsTreesThatAreGone) {
  ASSERT_EQ(manually({}, "a").status, 0);
  shell_or_fail("rm -r " + guests_ / "vs/a");
  const auto finished = manually({}, "b");
  EXPECT_EQ(finished.status, 0) << finished.err;
  EXPECT_THAT(guests_.read("hash/hashed-paths"), Not(HasSubstr("/vs/a")));
}

TEST_F(Vhashify, RefusesADamagedListOfThem) {
  ASSERT_EQ(manually({}, "a").status, 0);
  guests_.write("hash/hashed-paths", "/nowhere -\n");
  const auto finished = manually({}, "b");
  EXPECT_EQ(finished.status, 5);
  EXPECT_THAT(finished.err, HasSubstr("hashed-paths is damaged"));
}

TEST_F(Vhashify, WantsATreeAListAndADestinationByHand) {
  const auto a = guests_ / "vs/a";
  EXPECT_EQ(vhashify({"--manually", a, ""}).status, 2);
  EXPECT_EQ(vhashify({"--manually", "--destination", guests_ / "hash", a}).status, 2);
  EXPECT_EQ(manually({}, "a", guests_ / "no-list").status, 2);
  EXPECT_EQ(manually({}, "nobody").status, 2);
  EXPECT_FALSE(guests_.exists("hash"));
}

}  // namespace
}  // namespace vunify::test
