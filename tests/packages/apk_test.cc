// SPDX-License-Identifier: Apache-2.0
#include <sys/stat.h>

#include "tests/packages/asked.h"

namespace vunify::test {
namespace {

using testing::ElementsAre;

const std::string installed = "lib/apk/db/installed";
// As apk 3 writes it.
const std::string base =
    "C:Q1ZbN0Z2oKk3kQbPLhYp1bBHUB0WQ=\nP:base\nV:1.0-r0\nA:x86_64\nS:1\nI:1\nT:base\nF:\nF:etc\n"
    "R:passwd\nZ:Q1pWbN0Z2oKk3kQbPLhYp1bBHUB0=\nF:etc/init.d\nR:svc\na:0:0:755\nF:usr/bin\nM:0:0:755\nR:tool\n\n"
    "P:other\nV:2-r1\nF:usr/share\nR:doc\n";

TEST(Apk, TellsWhatItsRulesProtect) {
  const Scratch guest{{installed, base}};
  const auto conffiles = conffiles_in(guest.root());
  EXPECT_THAT(conffiles.paths, testing::UnorderedElementsAre("/etc/passwd"));
  EXPECT_THAT(conffiles.managers, ElementsAre("apk"));
  EXPECT_EQ(conffiles.unknown, "");
}

TEST(Apk, TakesAnAdministratorsRules) {
  const Scratch guest{{installed, base},
                      {"etc/apk/protected_paths.d/mine.list", "-etc/passwd\n+usr/bin\n"},
                      {"etc/apk/protected_paths.d/mine.txt", "+usr/share\n"}};
  EXPECT_THAT(paths_in(guest.root()), ElementsAre("/etc/apk/protected_paths.d/mine.list",
                                                  "/etc/apk/protected_paths.d/mine.txt", "/usr/bin/tool"));
}

TEST(Apk, TellsWhatInEtcIsOfNoPackage) {
  const Scratch guest{
      {installed, base}, {"etc/passwd", ""}, {"etc/a/b/c", ""}, {"etc/init.d/svc", ""}, {"etc/init.d/own", ""}};
  EXPECT_THAT(paths_in(guest.root()), ElementsAre("/etc/a/b/c", "/etc/init.d/own", "/etc/passwd"));
}

TEST(Apk, TellsPackages) {
  const Scratch guest{{installed, base}};
  const auto packages = packages_in(guest.root()).packages;
  ASSERT_EQ(packages.size(), 2u);
  EXPECT_EQ(packages[0].name, "base");
  EXPECT_EQ(packages[0].version, "1.0-r0");
  EXPECT_THAT(packages[0].files, ElementsAre("/etc/init.d/svc", "/usr/bin/tool"));
}

TEST(Apk, IsReadInEitherPlaceAndOnce) {
  const Scratch guest{{"usr/" + installed, base}};
  EXPECT_THAT(paths_in(guest.root()), ElementsAre("/etc/passwd"));
  must(shell("ln -s usr/lib " + (guest / "lib")));
  EXPECT_EQ(packages_in(guest.root()).packages.size(), 2u);
}

TEST(Apk, IsUnreadableWithAFileBeforeItsDirectory) {
  for (const auto* text : {"P:a\nR:x\nF:etc\n", "F:etc\nR:x\n", "P:a\nF:etc\nR:a\n\nR:b\n", "nothing\n"}) {
    const Scratch guest{{installed, text}};
    EXPECT_EQ(conffiles_in(guest.root()).unknown, unknown(installed + ": not a list of packages")) << text;
  }
}

TEST(Apk, IsUnreadableWithRulesThatAreNoFile) {
  const Scratch guest{{installed, base}, {"etc/apk/protected_paths.d/a.list", ""}};
  must(shell("cd " + (guest / "etc/apk/protected_paths.d") + " && rm a.list && mkfifo a.list"));
  EXPECT_EQ(conffiles_in(guest.root()).unknown, unknown("etc/apk/protected_paths.d/a.list: not a regular file"));
}

TEST(Apk, NamesAreNotLedOutByAnEtcThatIsASymlink) {
  const Scratch dir{{"guest/" + installed, ""}, {"outside/secret", ""}};
  must(shell("ln -s ../outside " + (dir / "guest/etc")));
  EXPECT_THAT(paths_in(dir / "guest"), testing::IsEmpty());
}

}  // namespace
}  // namespace vunify::test
