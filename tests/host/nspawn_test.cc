// SPDX-License-Identifier: Apache-2.0
#include "host/nspawn.h"

#include "tests/host/host_test.h"

namespace vunify::test {
namespace {

using testing::ElementsAre;
using testing::IsEmpty;

TEST(NspawnSettings, TellWhomRootIsMappedTo) {
  EXPECT_EQ(read_nspawn_settings("[Exec]\nPrivateUsers=524288:65536\n").owner, 524288U);
  EXPECT_EQ(read_nspawn_settings("[Exec]\nPrivateUsers = 131072\n").owner, 131072U);
  EXPECT_EQ(read_nspawn_settings("[Exec]\nPrivateUsers=pick\n").owner, std::nullopt);
  EXPECT_EQ(read_nspawn_settings("[Files]\nPrivateUsers=1000\n").owner, std::nullopt) << "in another section";
  EXPECT_FALSE(read_nspawn_settings("[Exec]\nPrivateUsers=no\n").is_mapped);
  EXPECT_TRUE(read_nspawn_settings("").is_mapped) << "by systemd-nspawn@.service";
}

TEST(NspawnSettings, TellWhatHappensToTheTree) {
  EXPECT_TRUE(read_nspawn_settings("[Files]\nPrivateUsersOwnership=chown\n").changes_owners);
  EXPECT_FALSE(read_nspawn_settings("[Files]\nPrivateUsersOwnership=map\n").changes_owners);
  EXPECT_FALSE(read_nspawn_settings("[Files]\n#PrivateUsersOwnership=chown\n").changes_owners);
  EXPECT_TRUE(read_nspawn_settings("[Files]\nPrivateUsersChown=yes\n").changes_owners);
  EXPECT_TRUE(read_nspawn_settings("[Files]\nVolatile=overlay\n").is_overlay);
}

class Nspawn : public HostTest {
 protected:
  void add_machine(const std::string& name) const { dir.make_directory("var/lib/machines/" + name); }
  void write_settings(const std::string& path, const std::string& text) const { dir.write(path + ".nspawn", text); }
  Told machines() const { return nspawn_guests(dir.root()); }
};

TEST_F(Nspawn, AreTheDirectoriesAndImagesOfMachines) {
  for (const auto* name : {"web", ".#web0123", "lost+found", "copy.tmp"}) add_machine(name);
  dir.write("var/lib/machines/disk.raw", "");
  dir.write("var/lib/machines/web.nspawn", "");
  dir.write("var/lib/machines/notes", "");
  EXPECT_THAT(lines(machines()), ElementsAre("nspawn:copy.tmp /var/lib/machines/copy.tmp left alone: not complete",
                                             "nspawn:disk  left alone: an image: mount it and name the directory",
                                             "nspawn:web /var/lib/machines/web"));
}

TEST_F(Nspawn, HasNoneWhereThereIsNoSuchDirectory) {
  EXPECT_THAT(machines().guests, IsEmpty());
  EXPECT_THAT(machines().mistakes, IsEmpty());
}

TEST_F(Nspawn, ThatIsAMountPointIsLeftAlone) {
  add_machine("disk");
  const auto disk = dir / "var/lib/machines/disk";
  shell_or_fail("mount -t tmpfs none " + disk);
  const auto all = ask({"nspawn"});
  shell_or_fail("umount " + disk);
  EXPECT_THAT(lines(all), ElementsAre("nspawn:disk /var/lib/machines/disk left alone: a filesystem of its own"));
}

TEST_F(Nspawn, MayHaveAnyByteInTheirNames) {
  add_machine("two\nlines");
  EXPECT_EQ(ask({"nspawn"}).guests.at(0).name, "two\nlines");
}

TEST_F(Nspawn, SettingsWithoutAMachineAreNone) {
  write_settings("etc/systemd/nspawn/gone", "[Exec]\nPrivateUsers=no\n");
  write_settings("var/lib/machines/gone", "");
  EXPECT_THAT(lines(ask()), IsEmpty());
  EXPECT_THAT(ask().mistakes, IsEmpty());
}

TEST_F(Nspawn, TheFirstSettingsFoundCount) {
  add_machine("web");
  const std::string chown = "[Exec]\nPrivateUsers=524288\n[Files]\nPrivateUsersOwnership=chown\n";
  write_settings("var/lib/machines/web", chown);
  EXPECT_EQ(machines().guests[0].guest.no_links, reason::shifted(524288));
  write_settings("run/systemd/nspawn/web", "");
  EXPECT_EQ(machines().guests[0].guest.no_links, "");
  write_settings("etc/systemd/nspawn/web", chown);
  EXPECT_EQ(machines().guests[0].guest.no_links, "owners shifted by 524288: idmapped mounts or reflink");
  EXPECT_EQ(machines().guests[0].guest.config, dir / "etc/systemd/nspawn/web.nspawn");
}

TEST_F(Nspawn, WhatChangesItsOwnersWhenItStartsHasNoLinks) {
  add_machine("web");
  write_settings("etc/systemd/nspawn/web", "[Files]\nPrivateUsersOwnership=chown\n");
  EXPECT_EQ(machines().guests[0].guest.no_links, "owners shifted when it starts: idmapped mounts or reflink");
  write_settings("etc/systemd/nspawn/web", "[Exec]\nPrivateUsers=no\n[Files]\nPrivateUsersOwnership=chown\n");
  EXPECT_EQ(machines().guests[0].guest.no_links, "");
}

TEST_F(Nspawn, ATreeThatSystemdShiftedIsTheGuests) {
  add_machine("web");
  add_machine("foreign");
  shell_or_fail("chown 1548025856 " + dir / "var/lib/machines/web" + "; chown 1000 " +
                dir / "var/lib/machines/foreign");
  const auto all = ask({"nspawn"});
  EXPECT_THAT(lines(all), ElementsAre("nspawn:web /var/lib/machines/web no links: owners shifted by 1548025856: "
                                      "idmapped mounts or reflink"));
  EXPECT_THAT(
      complaints(all.mistakes),
      ElementsAre("/var/lib/machines/foreign:0: the root of foreign, /var/lib/machines/foreign, is owned by user "
                  "1000, who is neither root nor the guest's root"));
}

TEST_F(Nspawn, ALayerBelowATemporaryOneIsLeftAlone) {
  add_machine("web");
  write_settings("etc/systemd/nspawn/web", "[Files]\nVolatile=overlay\n");
  EXPECT_EQ(machines().guests[0].guest.left_alone, reason::overlay);
}

TEST_F(Nspawn, WrongSettingsAreAMistakeOfThatMachineAlone) {
  add_machine("fifo");
  add_machine("loose");
  add_machine("web");
  write_settings("etc/systemd/nspawn/loose", "");
  const auto settings = dir / "etc/systemd/nspawn/";
  shell_or_fail("chmod o+w " + settings + "loose.nspawn; mkfifo " + settings + "fifo.nspawn");
  const auto told = machines();
  EXPECT_THAT(lines(told), ElementsAre("nspawn:web /var/lib/machines/web"));
  EXPECT_THAT(complaints(told.mistakes), ElementsAre("/etc/systemd/nspawn/fifo.nspawn:0: is not a regular file",
                                                     "/etc/systemd/nspawn/loose.nspawn:0: is writable by everybody"));
}

TEST_F(Nspawn, ASymlinkIsNoRoot) {
  add_root("web");
  add_machine("x");
  link("var/lib/machines/web", dir / "vm/web");
  const auto all = ask({"nspawn"});
  EXPECT_THAT(lines(all), ElementsAre("nspawn:x /var/lib/machines/x"));
  EXPECT_THAT(complaints(all.mistakes),
              ElementsAre("/var/lib/machines/web:0: the root of web, /var/lib/machines/web, is a symlink"));
}

}  // namespace
}  // namespace vunify::test
