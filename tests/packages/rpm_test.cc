// SPDX-License-Identifier: Apache-2.0
#include "packages/rpm.h"

#include <filesystem>

#include "packages/rpm_header.h"
#include "tests/packages/asked.h"
#include "tests/packages/rpm_fixture.h"

namespace vunify::test {
namespace {

using testing::ElementsAre;

const std::string place = "var/lib/rpm/";
const std::string forged = ": forged or damaged";

TEST(Rpm, TellsConfigurationGhostsAndWhatIsNotVerified) {
  const Scratch guest;
  make_rpmdb(guest / place, {header_of({{"/etc/", "a.conf", 1},
                                        {"/etc/", "b.conf", 17},
                                        {"/etc/", "c.conf", 9},
                                        {"/var/lib/", "ghost", 64},
                                        {"/usr/bin/", "tool", 0},
                                        {"/usr/share/doc/", "README", 2},
                                        {"/var/lib/", "written", 0, 0},
                                        {"/var/lib/", "not-its-mtime", 0, ~32u}})});
  const auto conffiles = conffiles_in(guest.root());
  EXPECT_THAT(paths_in(guest.root()),
              ElementsAre("/etc/a.conf", "/etc/b.conf", "/etc/c.conf", "/var/lib/ghost", "/var/lib/written"));
  EXPECT_THAT(conffiles.managers, ElementsAre("rpm"));
  EXPECT_EQ(conffiles.unknown, "");
}

TEST(Rpm, TellsPackages) {
  const Scratch guest;
  make_rpmdb(guest / place, {header_of({{"/etc/", "a.conf", 1}, {"/usr/bin/", "tool", 0}})});
  const auto packages = packages_in(guest.root()).packages;
  ASSERT_EQ(packages.size(), 1u);
  EXPECT_EQ(packages[0].name, "demo");
  EXPECT_EQ(packages[0].version, "1.1-1");
  EXPECT_THAT(packages[0].files, ElementsAre("/usr/bin/tool"));
}

TEST(Rpm, IsReadInAllPlacesAndOneTwice) {
  const Scratch guest;
  make_rpmdb(guest / "usr/lib/sysimage/rpm", {header_of({{"/etc/", "a", 1}})});
  make_rpmdb(guest / "root/.rpmdb", {header_of({{"/etc/", "b", 1}})});
  EXPECT_THAT(paths_in(guest.root()), ElementsAre("/etc/a", "/etc/b"));
  must(shell("mkdir -p " + (guest / "var/lib") + "; ln -s ../../usr/lib/sysimage/rpm " + (guest / "var/lib/rpm")));
  EXPECT_EQ(packages_in(guest.root()).packages.size(), 2u);
}

TEST(Rpm, IsReadInItsOldAndItsNewPlace) {
  const Scratch guest;
  make_rpmdb(guest / place, {header_of({{"/etc/", "old", 1}})});
  make_rpmdb(guest / "usr/lib/sysimage/rpm", {header_of({{"/etc/", "new", 1}})});
  EXPECT_THAT(paths_in(guest.root()), ElementsAre("/etc/new", "/etc/old"));
}

TEST(Rpm, IsReadBesideDpkg) {
  const Scratch guest{{"var/lib/dpkg/status", "Package: a\nConffiles:\n /etc/dpkg 0877786d\n"}};
  make_rpmdb(guest / place, {header_of({{"/etc/", "rpm", 1}})});
  EXPECT_THAT(paths_in(guest.root()), ElementsAre("/etc/dpkg", "/etc/rpm"));
  EXPECT_THAT(conffiles_in(guest.root()).managers, ElementsAre("dpkg", "rpm"));
}

TEST(Rpm, IsNotReadFromOtherKinds) {
  for (const std::string kind : {"Packages", "Packages.db"}) {
    const Scratch guest{{place + kind, "x"}, {"var/lib/dpkg/status", "Package: a\nConffiles:\n /etc/a 0877786d\n"}};
    const auto conffiles = conffiles_in(guest.root());
    EXPECT_EQ(conffiles.unknown, unknown(place + kind + ": rpm database of a kind that is not read"));
    EXPECT_THAT(conffiles.paths, ElementsAre("/etc/a"));
  }
}

TEST(Rpm, ReadsWhatIsInTheLogOnly) {
  const Scratch guest;
  make_rpmdb(guest / place, {header_of({{"/etc/", "old", 1}})});
  leave_log(guest / place, header_of({{"/etc/", "new", 1}}));
  EXPECT_THAT(paths_in(guest.root()), ElementsAre("/etc/new", "/etc/old"));
  EXPECT_THAT(guest.names("var/lib/rpm"), ElementsAre("rpmdb.sqlite", "rpmdb.sqlite-wal"));
}

TEST(Rpm, LeavesOutWhatTheLogHasNotCommitted) {
  const Scratch guest;
  make_rpmdb(guest / place, {header_of({{"/etc/", "old", 1}})});
  leave_log(guest / place, header_of({{"/etc/", "new", 1}}));
  const auto log = guest / (place + "rpmdb.sqlite-wal");
  std::filesystem::resize_file(log, std::filesystem::file_size(log) - 1);
  EXPECT_EQ(paths_in(guest.root()), std::vector<std::string>{"/etc/old"});
}

TEST(Rpm, IsUnreadableInTheMiddleOfAChange) {
  const Scratch guest;
  make_rpmdb(guest / place, {header_of({})});
  guest.write(place + "rpmdb.sqlite-journal", "x");
  EXPECT_EQ(conffiles_in(guest.root()).unknown, unknown(place + "rpmdb.sqlite: in the middle of a change"));
}

TEST(Rpm, IsUnreadableWhereItsTableIsAView) {
  const Scratch guest;
  make_database(guest / place,
                "CREATE VIEW Packages AS WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n) "
                "SELECT i AS hnum, zeroblob(100000000) AS blob FROM n");
  EXPECT_EQ(conffiles_in(guest.root()).unknown, unknown(place + "rpmdb.sqlite" + forged));
}

TEST(Rpm, IsUnreadableWhereItIsNoDatabase) {
  const Scratch guest{{place + "rpmdb.sqlite", std::string(4096, 'x')}};
  EXPECT_EQ(conffiles_in(guest.root()).unknown, unknown(place + "rpmdb.sqlite: no database"));
  guest.write(place + "rpmdb.sqlite", "SQLite format 3" + std::string(4096, '\0'));
  EXPECT_EQ(conffiles_in(guest.root()).unknown, unknown(place + "rpmdb.sqlite" + forged));
  must(shell("cd " + (guest / place) + " && rm rpmdb.sqlite && mkfifo rpmdb.sqlite"));
  EXPECT_NE(conffiles_in(guest.root()).unknown, "");
}

TEST(Rpm, IsUnreadableWhereItIsTooLarge) {
  const Scratch guest{{place + "rpmdb.sqlite", ""}};
  std::filesystem::resize_file(guest / (place + "rpmdb.sqlite"), 2'000'000'000);
  EXPECT_EQ(conffiles_in(guest.root()).unknown, unknown(place + "rpmdb.sqlite: too large"));
}

TEST(Rpm, LeadsNotOutByASymlink) {
  const Scratch dir{{"guest/" + place + "x", ""}};
  make_rpmdb(dir / "outside", {header_of({{"/etc/", "a", 1}})});
  must(shell("ln -s ../../../../outside/rpmdb.sqlite " + (dir / ("guest/" + place))));
  EXPECT_NE(conffiles_in(dir / "guest").unknown, "");
}

TEST(RpmHeader, IsRefusedWithNumbersThatCannotBe) {
  const auto sound = header_of({{"/etc/", "a", 1}});
  Inventory inventory(true);
  EXPECT_NO_THROW(add_rpm_package(sound, inventory));
  for (const auto& bad :
       {with_value(sound, RpmTag::basenames, count_at, 1u << 31), with_value(sound, RpmTag::basenames, offset_at, ~0u),
        with_value(sound, RpmTag::file_flags, count_at, 1u << 31),
        with_value(sound, RpmTag::file_flags, offset_at, ~0u), with_value(sound, RpmTag::dir_indexes, count_at, 2),
        with_dir_index(sound, 1), sound.substr(0, sound.size() - 1), std::string(8, '\xff'), std::string()})
    EXPECT_THROW(add_rpm_package(bad, inventory), std::runtime_error);
}

TEST(RpmHeader, OfAnyBytesIsReadOrRefused) {
  const auto sound = header_of({{"/etc/", "a", 1}, {"/usr/", "b", 0}});
  for (std::size_t at = 0; at < sound.size(); ++at)
    for (const char byte : {'\0', '\1', '\x7f', '\xff'}) {
      auto other = sound;
      other[at] = byte;
      Inventory inventory(true);
      try {
        add_rpm_package(other, inventory);
      } catch (const std::runtime_error&) {
      }
    }
}

}  // namespace
}  // namespace vunify::test
