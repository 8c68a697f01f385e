// SPDX-License-Identifier: Apache-2.0
// The configuration of a guest that is like another.
#include "host/new_guest.h"

#include <gmock/gmock.h>

#include <filesystem>

#include "tests/scratch.h"

namespace vunify::test {
namespace {

using testing::ElementsAre;
using testing::EndsWith;
using testing::HasSubstr;
using testing::Not;

HostGuest guest_of(const std::string& provider, const std::string& root, const std::string& config) {
  HostGuest guest;
  guest.provider = provider;
  guest.name = "old";
  guest.root = root;
  guest.config = config;
  return guest;
}

std::string why_not(const HostGuest& like, const std::string& name) {
  try {
    place_new_guest(like, name);
    return "";
  } catch (const std::invalid_argument& error) {
    return error.what();
  }
}

TEST(NewVserver, HasTheOldOnesRulesAndNeitherItsAddressesNorItsContext) {
  const Scratch dir({{"etc/old/context", "42\n"},
                     {"etc/old/interfaces/0/ip", "10.0.0.1\n"},
                     {"etc/old/apps/vunify/exclude", "/srv\n"},
                     {"etc/old/uts/nodename", "old\n"},
                     {"etc/old/name", "old\n"}});
  std::filesystem::create_symlink("/vservers/old", dir / "etc/old/vdir");
  std::filesystem::create_symlink("/run/vservers/old", dir / "etc/old/run");
  const auto like = guest_of("vserver", "/vservers/old", dir / "etc/old");
  EXPECT_EQ(place_new_guest(like, "new").path, "/vservers/new");
  const auto left = write_new_config(like, "new", "/vservers/new");
  EXPECT_THAT(left, ElementsAre(EndsWith("old/context"), EndsWith("old/interfaces"), EndsWith("old/uts/nodename")));
  EXPECT_THAT(dir.names("etc/new"), ElementsAre("apps", "name", "run", "uts", "vdir"));
  EXPECT_EQ(dir.read("etc/new/apps/vunify/exclude"), "/srv\n");
  EXPECT_EQ(std::filesystem::read_symlink(dir / "etc/new/vdir"), "/vservers/new");
  EXPECT_EQ(std::filesystem::read_symlink(dir / "etc/new/run"), "/run/vservers/new");
  EXPECT_THAT(dir.names("etc"), ElementsAre("new", "old"));
}

TEST(NewVserver, TakesTheNameOfNobody) {
  const Scratch dir({{"etc/old/name", "old"}, {"etc/new/name", "new"}});
  const auto like = guest_of("vserver", "/vservers/old", dir / "etc/old");
  EXPECT_THAT(why_not(like, "new"), EndsWith("etc/new is there already"));
  EXPECT_THROW(write_new_config(like, "new", "/vservers/new"), std::system_error);
  EXPECT_EQ(dir.read("etc/new/name"), "new");
  for (const std::string name : {"", ".x", "-x", "a/b", "a b", "a\nb"}) EXPECT_NE(why_not(like, name), "") << name;
}

TEST(NewNspawnMachine, GetsACopyOfTheSettings) {
  const Scratch dir({{"nspawn/old.nspawn", "[Exec]\nPrivateUsers=pick\n"}});
  const auto like = guest_of("nspawn", "/var/lib/machines/old", dir / "nspawn/old.nspawn");
  EXPECT_EQ(place_new_guest(like, "new").path, "/var/lib/machines/new");
  write_new_config(like, "new", "/var/lib/machines/new");
  EXPECT_EQ(dir.read("nspawn/new.nspawn"), "[Exec]\nPrivateUsers=pick\n");
  EXPECT_THROW(write_new_config(like, "new", ""), std::system_error) << "nothing is written over";
}

TEST(NewLxcContainer, HasItsOwnRootNameAndAddress) {
  const std::string old =
      "# lxc.uts.name = x\nlxc.include = /usr/share/lxc/config/common.conf\n"
      "lxc.rootfs.path = dir:/srv/link/old/rootfs\nlxc.uts.name = old\nlxc.net.0.hwaddr = 00:16:3e:01:02:03\n"
      "lxc.mount.fstab = /var/lib/lxc/old/fstab\n";
  const auto fresh = lxc_config_for(old, "/var/lib/lxc/old", "/var/lib/lxc/new", "new");
  EXPECT_THAT(fresh, HasSubstr("lxc.rootfs.path = dir:/var/lib/lxc/new/rootfs\n"));
  EXPECT_THAT(fresh, HasSubstr("lxc.uts.name = new\n"));
  EXPECT_THAT(fresh, HasSubstr("lxc.mount.fstab = /var/lib/lxc/new/fstab\n"));
  EXPECT_THAT(fresh, HasSubstr("hwaddr = 00:16:3e:"));
  EXPECT_THAT(fresh, Not(HasSubstr("01:02:03")));
  EXPECT_THAT(fresh, HasSubstr("# lxc.uts.name = x\n"));
}

TEST(NewLxcContainer, WhoseRootAnIncludedFileNamesIsNotStartedInTheOldOne) {
  const auto fresh = lxc_config_for("lxc.include = /etc/more\n", "/l/old", "/l/new", "new");
  EXPECT_EQ(fresh, "lxc.include = /etc/more\nlxc.uts.name = new\nlxc.rootfs.path = dir:/l/new/rootfs\n");
}

TEST(NewGuest, OfAnotherProviderIsNotConfigured) {
  EXPECT_THAT(why_not(guest_of("schroot", "/srv/old", "/etc/schroot/chroot.d/old"), "new"), HasSubstr("schroot"));
  EXPECT_THAT(why_not(guest_of("lxc", "/srv/old", "/var/lib/lxc/old/config"), "new"), HasSubstr("not beside"));
  EXPECT_EQ(place_new_guest(guest_of("lxc", "/l/old/rootfs", "/l/old/config"), "new").path, "/l/new");
}

}  // namespace
}  // namespace vunify::test
