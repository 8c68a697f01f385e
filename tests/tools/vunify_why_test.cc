// SPDX-License-Identifier: Apache-2.0
// --why: with whom a file is shared, or the one reason why it is not; never a change.
#include <gmock/gmock.h>

#include "tests/root_test.h"
#include "tests/tools/guests.h"

namespace vunify::test {
namespace {

using testing::HasSubstr;

class VunifyWhy : public RootTest {
 protected:
  Finished why(const std::string& path, const Words& others) const {
    Words words = {"vunify", "--state", guests_ / "state", protect_by_flag(), "--why", guests_ / "a", path};
    words.insert(words.end(), others.begin(), others.end());
    return run(words);
  }
  Guests guests_{{{"a/f", "same"}, {"b/g", "same"}, {"a/own", "mine"}, {"b/own", "your"}, {"a/big", "alone here"}}};
};

TEST_F(VunifyWhy, NamesTheOneReason) {
  const Words b = {guests_ / "b"};
  EXPECT_THAT(why("own", b).out, HasSubstr("content-differs"));
  EXPECT_THAT(why("big", b).out, HasSubstr("no-twin"));
  EXPECT_THAT(why("f", b).out, HasSubstr("not shared yet"));
  EXPECT_FALSE(guests_.exists("state"));
  EXPECT_FALSE(guests_.exists(".vunify"));
}

TEST_F(VunifyWhy, NamesTheOthersOfASharedFile) {
  ASSERT_EQ(guests_.vunify().status, 0);
  const auto told = why("f", {guests_ / "b"});
  EXPECT_THAT(told.out, HasSubstr("f: shared, keeper inode " + std::to_string(guests_.inode("a/f").ino)));
  EXPECT_THAT(told.out, HasSubstr("\n  b: /g\n"));
}

TEST_F(VunifyWhy, TakesTheGuestsOfTheLastReport) {
  EXPECT_EQ(why("f", {}).status, 2);
  EXPECT_THAT(why("f", {}).err, HasSubstr("name the other guests too"));
  ASSERT_EQ(guests_.vunify().status, 0);
  EXPECT_THAT(why("/f", {}).out, HasSubstr("b: /g"));
  EXPECT_THAT(why(guests_ / "a/f", {}).out, HasSubstr("b: /g"));
}

TEST_F(VunifyWhy, AnswersForTheGuestThatIsNamedFirst) {
  guests_.write("b/only", "in this guest alone");
  const auto why_b = [&](const std::string& path, const Words& more) {
    Words words = {"vunify", "--state", guests_ / "state", protect_by_flag(), "--why", guests_ / "b", path};
    words.insert(words.end(), more.begin(), more.end());
    return run(words).out;
  };
  EXPECT_THAT(why_b("only", {guests_ / "a"}), HasSubstr("no-twin"));
  ASSERT_EQ(guests_.vunify().status, 0);
  EXPECT_THAT(why_b("g", {guests_ / "a"}), HasSubstr("\n  a: /f\n"));
  EXPECT_THAT(why_b("only", {}), HasSubstr("no-twin"));
  EXPECT_THAT(why_b("g", {}), HasSubstr("\n  a: /f\n"));
}

TEST_F(VunifyWhy, FindsAFileHoweverItsPathIsWritten) {
  guests_.write("a/usr/own", "mine");
  for (const auto* path : {"./usr/own", "/./usr//own", "usr/./own"})
    EXPECT_THAT(why(path, {guests_ / "b"}).out, HasSubstr("usr/own: left alone")) << path;
  EXPECT_THAT(why(guests_ / "a/./usr/own", {guests_ / "b"}).out, HasSubstr("usr/own: left alone"));
}

TEST(VunifyWhyWithReflink, NamesThoseWhoShareTheData) {
  const LoopFs fs("xfs");
  if (!fs.ok()) GTEST_SKIP() << fs.reason();
  Guests guests({}, fs.root());
  guests.protect_by("reflink");
  const std::string content(50000, 'd');
  for (const auto* path : {"a/f", "b/g"}) guests.write(path, content);
  const auto why = [&] {
    return run({"vunify", "--state", guests / "state", "--protect=reflink", "--why", guests / "b", "g", guests / "a"});
  };
  EXPECT_THAT(why().out, HasSubstr("not shared yet"));
  ASSERT_EQ(guests.vunify().status, 0);
  EXPECT_THAT(why().out, HasSubstr("g: data shared with\n  a: /f\n"));
}

TEST_F(VunifyWhy, OfWhatIsNoFileIsAUsageError) {
  for (const auto* path : {"missing", "..", "", "f/x"}) EXPECT_EQ(why(path, {guests_ / "b"}).status, 2) << path;
}

}  // namespace
}  // namespace vunify::test
