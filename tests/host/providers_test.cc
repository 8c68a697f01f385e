// SPDX-License-Identifier: Apache-2.0
#include "host/providers.h"

#include "guest/adopt.h"
#include "tests/host/host_test.h"

namespace vunify::test {
namespace {

using testing::ElementsAre;
using testing::HasSubstr;
using testing::IsEmpty;

class Providers : public HostTest {
 protected:
  void add_schroot(const std::string& name, const std::string& root) const {
    dir.write("etc/schroot/chroot.d/" + name, "[" + name + "]\ndirectory=" + root + "\n");
  }
  void write_providers(const std::string& text) const {
    dir.write("etc/vservers/.defaults/apps/vunify/providers", text);
  }
  // Of the one guest, "web" of LXC, that has this root.
  Words complaints_of(const std::string& root) const {
    add_lxc_root("web", root);
    const auto all = ask();
    EXPECT_THAT(lines(all), IsEmpty());
    return complaints(all.mistakes);
  }
  static std::string against(const std::string& root, const std::string& reason) {
    return "/var/lib/lxc/web/config:1: the root of web, " + root + ", " + reason;
  }
};

TEST_F(Providers, AreAllAskedAndGuestsAreInTheOrderOfTheirNames) {
  add_lxc_root("b", add_root("lxc"));
  add_schroot("c", add_root("schroot"));
  dir.make_directory("var/lib/machines/b");
  add_schroot("a", add_root("another"));
  EXPECT_THAT(lines(ask()), ElementsAre("schroot:a /vm/another", "nspawn:b /var/lib/machines/b", "lxc:b /vm/lxc",
                                        "schroot:c /vm/schroot"));
  EXPECT_THAT(lines(ask({"lxc"})), ElementsAre("lxc:b /vm/lxc"));
}

TEST_F(Providers, AreThoseThatTheConfigurationNames) {
  add_lxc_root("a", add_root("a"));
  add_schroot("b", add_root("b"));
  write_providers("# ours\r\n\r\n  schroot  \n");
  EXPECT_THAT(lines(ask()), ElementsAre("schroot:b /vm/b"));
  EXPECT_THAT(lines(ask({"lxc"})), ElementsAre("lxc:a /vm/a")) << "named by hand";
  write_providers("");
  EXPECT_THAT(lines(ask()), IsEmpty());
}

TEST_F(Providers, AnUnknownWordIsAMistakeAndTheOthersCount) {
  add_schroot("b", add_root("b"));
  write_providers("vserver\ndocker\nschroot\n");
  EXPECT_THAT(lines(ask()), ElementsAre("schroot:b /vm/b"));
  EXPECT_THAT(complaints(ask().mistakes),
              ElementsAre("/etc/vservers/.defaults/apps/vunify/providers:2: is no provider: docker"));
}

TEST_F(Providers, WhatKeepsOneFromBeingAskedStaysWithIt) {
  add_schroot("b", add_root("b"));
  dir.write("var/lib/lxc", "a file");
  const auto all = ask();
  EXPECT_THAT(lines(all), ElementsAre("schroot:b /vm/b"));
  EXPECT_THAT(complaints(all.mistakes), ElementsAre("/var/lib/lxc:0: Not a directory"));
}

TEST_F(Providers, GuestsOfAnyFollowTheDefaultRules) {
  add_lxc_root("web", add_root("web"));
  EXPECT_TRUE(ask().guests.at(0).unify.exclude->excludes("/etc/shadow")) << "by the shipped list";
  const std::string rules = "etc/vservers/.defaults/apps/vunify/";
  dir.write(rules + "exclude", "/srv/*\n");
  dir.write(rules + "group", "lab\n");
  const auto unify = ask().guests.at(0).unify;
  EXPECT_TRUE(unify.exclude->excludes("/srv/x"));
  EXPECT_EQ(unify.group, "lab");
  dir.write(rules + "protect", "whatever\n");
  EXPECT_THAT(lines(ask()), IsEmpty()) << "by no rules at all";
  EXPECT_EQ(ask().mistakes.size(), 1U);
}

TEST_F(Providers, NobodyIsAskedWhereItCannotBeReadWhoIs) {
  add_lxc_root("web", add_root("web"));
  write_providers("lxc\n");
  shell_or_fail("chmod o+w " + dir / "etc/vservers/.defaults/apps/vunify/providers");
  EXPECT_THAT(lines(ask()), IsEmpty());
  EXPECT_THAT(complaints(ask().mistakes),
              ElementsAre("/etc/vservers/.defaults/apps/vunify/providers:0: is writable by everybody"));
}

TEST_F(Providers, OneRootUnderTwoIsTheFirstOnes) {
  add_lxc_root("web", add_root("web"));
  add_schroot("chroot", dir / "vm/../vm/web/");
  add_schroot("again", dir / "vm/web");
  EXPECT_THAT(lines(ask()), ElementsAre("lxc:web /vm/web also schroot:again also schroot:chroot"));
  EXPECT_THAT(ask().mistakes, IsEmpty());
}

TEST_F(Providers, ARootIsAnAbsolutePathThatIsThere) {
  EXPECT_THAT(complaints_of("vm/web"), ElementsAre(against("vm/web", "is not an absolute path")));
  EXPECT_THAT(complaints_of("dir:dir:/vm"), ElementsAre(against("dir:/vm", "is not an absolute path")));
  dir.make_directory("vm");
  EXPECT_THAT(complaints_of(dir / "vm/web"),
              ElementsAre(against("/vm/web", "cannot be reached: /vm/web: No such file or directory")));
  add_root("web");
  EXPECT_THAT(complaints_of(dir / "vm/web/x/../../gone"),
              ElementsAre(against("/vm/web/x/../../gone", "cannot be reached: /vm/web/x: No such file or directory")));
  shell_or_fail("mkfifo " + dir / "vm/fifo");
  EXPECT_THAT(complaints_of(dir / "vm/fifo"),
              ElementsAre(against("/vm/fifo", "cannot be reached: /vm/fifo: Not a directory")));
}

TEST_F(Providers, ARootIsRootsAndNoSymlink) {
  add_root("x");
  link("vm/web", dir / "vm/x");
  EXPECT_THAT(complaints_of(dir / "vm/web"), ElementsAre(against("/vm/web", "is a symlink")));
  shell_or_fail("chown 1000 " + dir / "vm/x");
  EXPECT_THAT(complaints_of(dir / "vm/x"), ElementsAre(against("/vm/x",
                                                               "is owned by user 1000, who is neither root nor "
                                                               "the guest's root")));
}

TEST_F(Providers, RootsSymlinksOnTheWayAreFollowedAndNobodyElses) {
  add_root("web");
  link("srv", dir / "vm");
  add_lxc_root("web", dir / "srv/web");
  EXPECT_THAT(lines(ask()), ElementsAre("lxc:web /vm/web"));
  shell_or_fail("chown -h 1000 " + dir / "srv");
  EXPECT_THAT(complaints_of(dir / "srv/web"),
              ElementsAre(against("/srv/web", "is come by through a symlink that is not root's")));
}

TEST_F(Providers, ARootIsNotTheHostsNorHasTheConfigurationInIt) {
  EXPECT_THAT(complaints_of("/"), ElementsAre(against("/", "is the host's own")));
  dir.make_directory("etc/vservers");
  EXPECT_THAT(complaints_of(dir / "etc"), ElementsAre(against("/etc", "has the host's configuration in it")));
  EXPECT_THAT(complaints_of(dir / "var/lib/lxc/web"),
              ElementsAre(against("/var/lib/lxc/web", "has the host's configuration in it")));
}

TEST_F(Providers, ANameWithASlashIsNobodysToCall) {
  add_schroot("good", add_root("good"));
  add_schroot("web", add_root("web"));
  link("etc/vservers/v1/vdir", add_root("v1"));
  dir.write("etc/vservers/v1/name", "a/b\n");
  dir.write("etc/schroot/chroot.d/web", "[c/d]\ndirectory=" + dir / "vm/web" + "\n");
  const auto all = ask();
  EXPECT_THAT(lines(all), ElementsAre("schroot:good /vm/good"));
  EXPECT_THAT(complaints(all.mistakes),
              ElementsAre(HasSubstr("the root of a/b, /vm/v1, is that of a name with a slash"),
                          HasSubstr("the root of c/d, /vm/web, is that of a name with a slash")));
}

TEST_F(Providers, OneRootOfTwoVserversIsTheFirstOnes) {
  const auto root = add_root("web");
  link("etc/vservers/again/vdir", root);
  link("etc/vservers/web/vdir", root);
  EXPECT_THAT(lines(ask()), ElementsAre("vserver:again /vm/web also vserver:web"));
  EXPECT_THAT(ask().mistakes, IsEmpty());
}

TEST_F(Providers, ARootIsWhereItsDotsLead) {
  add_root("web");
  add_lxc_root("web", dir / "vm/web/../../vm/./web");
  EXPECT_THAT(lines(ask()), ElementsAre("lxc:web /vm/web"));
}

TEST_F(Providers, ARootInAnothersTreeIsRefused) {
  add_lxc_root("outer", add_root("outer"));
  dir.make_directory("vm/outer/srv/web");
  add_lxc_root("web", dir / "vm/outer/srv/web");
  const auto all = ask();
  EXPECT_THAT(lines(all), ElementsAre("lxc:outer /vm/outer"));
  EXPECT_THAT(complaints(all.mistakes), ElementsAre(against("/vm/outer/srv/web", "is in the tree of lxc:outer")));
}

TEST_F(Providers, ATreeIsAGuestsThoughThatGuestIsAMistake) {
  add_lxc_root("outer", add_root("outer"));
  dir.make_directory("vm/outer/web");
  shell_or_fail("chown 1000 " + dir / "vm/outer");
  add_lxc_root("web", dir / "vm/outer/web");
  const auto mistakes = complaints(ask().mistakes);
  ASSERT_EQ(mistakes.size(), 2U);
  EXPECT_EQ(mistakes[1], against("/vm/outer/web", "is in the tree of lxc:outer"));
}

TEST_F(Providers, ARootThatIsComeByThroughAnothersTreeIsRefused) {
  add_lxc_root("outer", add_root("outer"));
  dir.make_directory("vm/x/web");
  link("vm/outer/link", dir / "vm/x");
  add_lxc_root("web", dir / "vm/outer/link/web");
  EXPECT_THAT(complaints(ask().mistakes), ElementsAre(against("/vm/x/web", "is in the tree of lxc:outer")));
}

TEST_F(Providers, AVserversVdirMayBeASymlinkButNotIntoAnotherGuest) {
  add_schroot("outer", add_root("outer"));
  dir.make_directory("vm/outer/srv");
  add_root("web");
  link("etc/vservers/web/vdir", dir / "vm/web");
  link("etc/vservers/mail/vdir", dir / "vm/outer/srv");
  const auto all = ask();
  EXPECT_THAT(lines(all), ElementsAre("schroot:outer /vm/outer", "vserver:web /vm/web"));
  ASSERT_EQ(all.mistakes.size(), 1U);
  EXPECT_THAT(all.mistakes[0].reason, HasSubstr("is in the tree of schroot:outer"));
}

TEST_F(Providers, AVserversVdirIsNotComeByThroughAnotherGuestEither) {
  add_schroot("outer", add_root("outer"));
  add_root("web");
  link("vm/outer/link", dir / "vm/web");
  link("etc/vservers/web/vdir", dir / "vm/outer/link");
  const auto all = ask();
  EXPECT_THAT(lines(all), ElementsAre("schroot:outer /vm/outer"));
  ASSERT_EQ(all.mistakes.size(), 1U);
  EXPECT_THAT(all.mistakes[0].reason, HasSubstr("is in the tree of schroot:outer"));
}

TEST_F(Providers, AnAdoptedGuestIsWhereItIsSeen) {
  add_lxc_root("web", add_root("web"));
  dir.write("vm/web/etc/passwd", "root");
  ASSERT_FALSE(adopt(dir / "vm/web"));
  EXPECT_THAT(lines(ask()), ElementsAre("lxc:web /vm/web"));
  add_schroot("chroot", dir / "vm/.vcow/web");
  EXPECT_THAT(lines(ask()), ElementsAre("lxc:web /vm/web also schroot:chroot"));
  ASSERT_FALSE(release(dir / "vm/web"));
}

TEST_F(Providers, ARootThatIsMountedSharesNoInodes) {
  add_lxc_root("bound", add_root("bound"));
  add_lxc_root("own", add_root("own"));
  const auto bound = dir / "vm/bound", own = dir / "vm/own";
  shell_or_fail("mount --bind " + add_root("x") + " " + bound + "; mount -t tmpfs none " + own);
  const auto all = ask();
  shell_or_fail("umount " + bound + "; umount " + own);
  EXPECT_THAT(lines(all), ElementsAre("lxc:bound /vm/bound no links: own subvolume: data can be shared, inodes not",
                                      "lxc:own /vm/own left alone: a filesystem of its own"));
}

TEST_F(Providers, ASubvolumeSharesNoInodes) {
  const LoopFs fs("btrfs");
  if (!fs.ok()) GTEST_SKIP() << fs.reason();
  shell_or_fail("btrfs -q subvolume create " + fs / "web" + "; mkdir " + fs / "db");
  add_lxc_root("web", "btrfs:" + fs / "web");
  add_lxc_root("db", fs / "db");
  const auto all = ask();
  EXPECT_EQ(all.guests.at(0).no_links, "");
  EXPECT_EQ(all.guests.at(1).no_links, "own subvolume: data can be shared, inodes not");
}

TEST_F(Providers, ALayerOfAnyOverlayIsLeftAloneWhoeverRunsIt) {
  add_schroot("base", add_root("base"));
  add_schroot("above", add_root("above"));
  dir.make_directory("vm/above/layer");
  add_lxc_root("copy", "overlay:" + dir / "vm/base" + ":" + dir / "vm/above/layer");
  const auto all = ask({"lxc", "schroot"});
  EXPECT_THAT(all.guests.at(0).left_alone, HasSubstr("overlay")) << "has a layer in it";
  EXPECT_THAT(all.guests.at(1).left_alone, HasSubstr("overlay")) << "is a layer";
}

}  // namespace
}  // namespace vunify::test
