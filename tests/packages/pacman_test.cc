// SPDX-License-Identifier: Apache-2.0
#include "tests/packages/asked.h"

namespace vunify::test {
namespace {

using testing::ElementsAre;

const std::string local = "var/lib/pacman/local/";
const std::string demo = local + "demo-lib-1.1-1/";
const std::string files =
    "%FILES%\netc/\netc/demo.conf\nusr/\nusr/share/\nusr/share/demo\n\n%BACKUP%\netc/demo.conf\t"
    "0877786daf8479dd91be0f89f223a102\n";
const std::string desc = "%NAME%\ndemo-lib\n\n%VERSION%\n1.1-1\n\n%DESC%\n%NAME%\n";

TEST(Pacman, TellsWhatItKeepsABackupOf) {
  const Scratch guest{{local + "ALPM_DB_VERSION", "9\n"}, {demo + "files", files}, {demo + "desc", desc}};
  const auto conffiles = conffiles_in(guest.root());
  EXPECT_THAT(conffiles.paths, testing::UnorderedElementsAre("/etc/demo.conf"));
  EXPECT_THAT(conffiles.managers, ElementsAre("pacman"));
  EXPECT_EQ(conffiles.unknown, "");
}

TEST(Pacman, TellsPackages) {
  const Scratch guest{{demo + "files", files}, {demo + "desc", desc}};
  const auto packages = packages_in(guest.root()).packages;
  ASSERT_EQ(packages.size(), 1u);
  EXPECT_EQ(packages[0].name, "demo-lib");
  EXPECT_EQ(packages[0].version, "1.1-1");
  EXPECT_THAT(packages[0].files, ElementsAre("/usr/share/demo"));
}

TEST(Pacman, IsReadWhereItsConfigurationSays) {
  const Scratch guest{{"etc/pacman.conf", "#DBPath = /no\n[options]\nDBPath = /srv/../srv/db/\n[core]\nDBPath = /no\n"},
                      {"srv/db/local/demo-1-1/files", files}};
  EXPECT_THAT(paths_in(guest.root()), ElementsAre("/etc/demo.conf"));
}

TEST(Pacman, IsUnreadableWhereItsFilesAreAFifo) {
  const Scratch guest{{demo + "desc", desc}};
  must(shell("mkfifo " + (guest / (demo + "files"))));
  EXPECT_EQ(conffiles_in(guest.root()).unknown, unknown(demo + "files: not a regular file"));
}

}  // namespace
}  // namespace vunify::test
