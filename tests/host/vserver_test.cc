// SPDX-License-Identifier: Apache-2.0
#include "host/vserver.h"

#include <fcntl.h>
#include <sys/stat.h>

#include "tests/host/vservers.h"

namespace vunify::test {
namespace {

using testing::ElementsAre;
using testing::HasSubstr;
using testing::IsEmpty;

class Vserver : public Vservers {
 protected:
  // A guest beside the one that is wrong goes on, and the wrong one is told by this.
  void expect_skipped(const std::string& complaint) const {
    const auto all = read();
    EXPECT_THAT(complaints(all), ElementsAre(HasSubstr(complaint)));
    ASSERT_EQ(all.guests.size(), 1u);
    EXPECT_EQ(all.guests[0].name, "good");
  }
};

TEST_F(Vserver, IsADirectoryWithARootAndAContext) {
  add("web", "100");
  const auto guest = only();
  EXPECT_EQ(guest.provider, "vserver");
  EXPECT_EQ(guest.name, "web");
  EXPECT_EQ(guest.root, dir / "roots/web");
  EXPECT_EQ(guest.config, dir / "etc/web");
  EXPECT_EQ(guest.xid, 100u);
  EXPECT_EQ(guest.left_alone, "");
}

TEST_F(Vserver, IsNoneWhereThereIsNoConfiguration) {
  EXPECT_THAT(vserver_guests(dir / "nowhere").guests, IsEmpty());
  EXPECT_THAT(names(), IsEmpty());
}

TEST_F(Vserver, WithoutAVdirLiesInVdirbase) {
  dir.make_directory("roots/web");
  write("web/context", "100");
  EXPECT_EQ(only().root, dir / "roots/web");
}

TEST_F(Vserver, MayHaveItsRootAsADirectory) {
  dir.make_directory("etc/web/vdir/bin");
  EXPECT_EQ(only().root, dir / "etc/web/vdir");
}

TEST_F(Vserver, WithoutAppsVunifyIsAGuestAllTheSame) {
  add("web");
  EXPECT_FALSE(dir.exists("etc/web/apps"));
  EXPECT_EQ(only().left_alone, "");
}

TEST_F(Vserver, IsCalledAsItsNameSaysAndKnownByItsDirectory) {
  add("v1");
  write("v1/name", "web\n");
  EXPECT_EQ(only().name, "web");
  EXPECT_THAT(only().also_known, ElementsAre("vserver:v1"));
}

TEST_F(Vserver, WithTheNameOfAnotherIsSkipped) {
  add("good");
  add("v1");
  write("v1/name", "good");
  expect_skipped("v1:0: its name is that of " + dir / "etc/good");
}

TEST_F(Vserver, WithTheContextOfAnotherIsSkipped) {
  add("good", "100");
  add("other", "100");
  expect_skipped("other:0: its context 100 is that of good");
}

TEST_F(Vserver, WithoutAContextHasNone) {
  add("web");
  EXPECT_EQ(only().xid, std::nullopt);
}

TEST_F(Vserver, MayBeWrittenOnWindows) {
  add("web");
  write("web/context", "\xef\xbb\xbf 100\r\n");
  EXPECT_EQ(only().xid, 100u);
}

TEST_F(Vserver, WithAContextThatIsNoNumberIsSkipped) {
  add("good");
  add("web", "one");
  expect_skipped("web/context:1: is not a number");
  for (const auto* text : {"", "100x", "-2", "0x64", "10 20"}) {
    write("web/context", text);
    expect_skipped("web/context:1: is not a number");
  }
}

TEST_F(Vserver, WithAContextOutOfRangeIsSkipped) {
  add("good");
  add("web");
  for (const auto* text : {"0", "1", "49152", "65536", "99999999999999999999999"}) {
    write("web/context", text);
    expect_skipped("web/context:1: is no context: 2 to 49151");
  }
}

TEST_F(Vserver, WithANulByteIsSkipped) {
  add("good");
  add("web");
  write("web/context", std::string("100\n\0", 5));
  expect_skipped("web/context:2: has a NUL byte");
}

TEST_F(Vserver, WithALineOfAMebibyteIsSkipped) {
  add("good");
  add("web");
  write("web/apps/vunify/exclude", "/etc\n" + std::string(1 << 19, 'x'));
  expect_skipped("web/apps/vunify/exclude:2: is a line of more than 4096 bytes");
  write("web/apps/vunify/exclude", std::string((1 << 20) + 1, '\n'));
  expect_skipped("web/apps/vunify/exclude:0: is longer than 1 MiB");
}

TEST_F(Vserver, WithAFifoForAFileIsSkippedAtOnce) {
  add("good");
  add("web");
  ASSERT_EQ(::mkfifo((dir / "etc/web/context").c_str(), 0600), 0);
  expect_skipped("web/context:0: is not a regular file");
}

TEST_F(Vserver, WithADeviceForAFileIsSkipped) {
  add("good");
  add("web");
  link("etc/web/context", "/dev/zero");
  expect_skipped("web/context:0: is not a regular file");
}

TEST_F(Vserver, WithADirectoryForAFileIsSkipped) {
  add("good");
  add("web");
  dir.make_directory("etc/web/context");
  expect_skipped("web/context:0: is not a regular file");
}

// Another list would take its place in silence.
TEST_F(Vserver, WithAnExcludeThatLeadsNowhereIsSkipped) {
  add("good");
  add("web");
  link("etc/web/apps/vunify/exclude", "/nowhere");
  expect_skipped("web/apps/vunify/exclude:0: leads nowhere");
}

TEST_F(Vserver, WhoseVdirLeadsNowhereIsSkipped) {
  add("good");
  link("etc/web/vdir", dir / "roots/web");
  expect_skipped("web/vdir:0: " + dir / "roots/web" + ": No such file or directory");
}

TEST_F(Vserver, WithoutAnyRootIsSkipped) {
  add("good");
  write("web/context", "100");
  expect_skipped("web:0: " + dir / "roots/web" + ": No such file or directory");
}

TEST_F(Vserver, WhoseVdirIsAFileIsSkipped) {
  add("good");
  write("web/vdir", "/vservers/web");
  expect_skipped("web/vdir:0: " + dir / "etc/web/vdir" + ": Not a directory");
}

TEST_F(Vserver, WhoseVdirLeadsInCirclesIsSkipped) {
  add("good");
  link("etc/web/vdir", "vdir");
  expect_skipped("web/vdir:0: " + dir / "etc/web/vdir" + ": Too many levels of symbolic links");
}

TEST_F(Vserver, WhoseVdirLeadsIntoAnotherGuestIsSkipped) {
  add("good");
  dir.make_directory("roots/good/srv/web");
  link("etc/web/vdir", dir / "roots/good/srv/web");
  expect_skipped("web:0: its root or its configuration is come by through the tree of good");
}

// The guest decides where that leads.
TEST_F(Vserver, WhoseVdirLeadsThroughAnotherGuestIsSkipped) {
  add("good");
  dir.make_directory("outside");
  link("roots/good/srv", dir / "outside");
  link("etc/web/vdir", dir / "roots/good/srv");
  expect_skipped("web:0: its root or its configuration is come by through the tree of good");
}

TEST_F(Vserver, WhoseConfigurationLiesInAGuestIsSkipped) {
  add("good");
  dir.make_directory("roots/web");
  dir.make_directory("roots/good/etc/web");
  link("etc/web", dir / "roots/good/etc/web");
  expect_skipped("web:0: its root or its configuration is come by through the tree of good");
}

TEST_F(Vserver, WhoseRulesLieInAGuestIsSkipped) {
  add("good");
  add("web");
  dir.make_directory("roots/good/vunify");
  link("etc/web/apps/vunify", dir / "roots/good/vunify");
  expect_skipped("web:0: its root or its configuration is come by through the tree of good");
}

TEST_F(Vserver, WhoseRootHoldsTheOthersIsSkippedAlone) {
  add("good");
  link("etc/all/vdir", dir / "roots");
  expect_skipped("all:0: its root " + dir / "roots" + " is where guests and their configuration lie");
}

TEST_F(Vserver, WhoseRootIsTheHostsIsSkippedAlone) {
  add("good");
  link("etc/host/vdir", "/");
  expect_skipped("host:0: its root / is where guests and their configuration lie");
}

TEST_F(Vserver, WithANewlineInItsNameIsSkipped) {
  add("good");
  add("a\nb");
  expect_skipped("a\nb:0: its name has a control character");
}

TEST_F(Vserver, MayHaveAnyOtherBytesInItsName) {
  add("a b");
  add("\xff\xfe");
  add("straße");
  EXPECT_THAT(names(), ElementsAre("a b", "straße", "\xff\xfe"));
}

TEST_F(Vserver, OfSomebodyElseIsSkipped) {
  add("good");
  add("web", "100");
  ASSERT_EQ(::chown((dir / "etc/web/context").c_str(), 1000, 0), 0);
  expect_skipped("web/context:0: is not owned by root");
}

TEST_F(Vserver, ThatEverybodyMayWriteIsSkipped) {
  add("good");
  add("web");
  ASSERT_EQ(::chmod((dir / "etc/web").c_str(), 0777), 0);
  expect_skipped("web:0: is writable by everybody");
}

TEST_F(Vserver, IsNoneInDirectoriesOfUtilVserver) {
  add("good");
  dir.make_directory("etc/.distributions/etch");
  write("util-vserver-vars", "VUNIFY=1");
  EXPECT_THAT(names(), ElementsAre("good"));
  EXPECT_THAT(complaints(), IsEmpty());
}

// As "vserver build --force" leaves it, which leads to the new guest's root and has its context.
TEST_F(Vserver, ThatWasReplacedIsNotComplete) {
  add("web", "100");
  link("etc/web.~1164970800~/vdir", dir / "roots/web");
  write("web.~1164970800~/context", "100");
  const auto all = read();
  EXPECT_THAT(complaints(all), IsEmpty());
  ASSERT_EQ(all.guests.size(), 2u);
  EXPECT_EQ(all.guests[1].left_alone, "not complete");
  EXPECT_EQ(all.guests[1].root, "");
}

TEST_F(Vserver, WhoseDirectoryLeadsNowhereIsSkipped) {
  add("good");
  link("etc/web", "/nowhere");
  expect_skipped("web:0: leads nowhere");
}

TEST_F(Vserver, OfTheOldKindIsOneFile) {
  dir.make_directory("roots/old");
  write("old.conf", "IPROOT=10.0.0.1\nS_CONTEXT=105\n");
  const auto guest = only();
  EXPECT_EQ(guest.name, "old");
  EXPECT_EQ(guest.root, dir / "roots/old");
  EXPECT_EQ(guest.config, dir / "etc/old.conf");
  EXPECT_EQ(guest.xid, 105u);
}

TEST_F(Vserver, OfTheOldKindMayHaveRules) {
  dir.make_directory("roots/old");
  write("old.conf", "S_CONTEXT=\n");
  write("old/legacy", "");
  write("old/apps/vunify/group", "a");
  EXPECT_EQ(only().unify.group, "a");
  EXPECT_EQ(only().xid, std::nullopt);
}

TEST_F(Vserver, OfBothKindsIsItsDirectory) {
  add("web", "100");
  write("web.conf", "S_CONTEXT=105\n");
  EXPECT_EQ(only().xid, 100u);
}

TEST_F(Vserver, OfTheOldKindThatHasToBeRunIsSkipped) {
  add("good");
  dir.make_directory("roots/old");
  write("old.conf", "ONBOOT=no\nS_CONTEXT=$(cat /etc/ctx)\n");
  expect_skipped("old.conf:2: S_CONTEXT is computed: write its value");
  write("old.conf", "\n\nS_CONTEXT=1\n");
  expect_skipped("old.conf:3: is no context: 2 to 49151");
}

TEST_F(Vserver, SeesAMistakeInADefaultOnce) {
  add("a");
  add("b");
  write(".defaults/apps/vunify/protect", "glass");
  EXPECT_THAT(complaints(), ElementsAre(HasSubstr(".defaults/apps/vunify/protect:1: not one of auto")));
  EXPECT_THAT(names(), IsEmpty());
}

}  // namespace
}  // namespace vunify::test
