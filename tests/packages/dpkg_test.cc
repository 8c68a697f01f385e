// SPDX-License-Identifier: Apache-2.0
#include <sys/stat.h>
#include <sys/sysmacros.h>

#include <filesystem>

#include "packages/dpkg_status.h"
#include "tests/packages/asked.h"

namespace vunify::test {
namespace {

using testing::ElementsAre;
using testing::IsEmpty;

const std::string status = "var/lib/dpkg/status";
const std::string hash = " 0877786daf8479dd91be0f89f223a102";

std::string stanza(const std::string& name, const std::string& conffiles) {
  return "Package: " + name + "\nStatus: install ok installed\nArchitecture: amd64\nVersion: 1.0-1\nConffiles:\n" +
         conffiles + "Description: one\n two\n .\n three\n\n";
}

TEST(Dpkg, TellsConffiles) {
  const Scratch guest{{status, stanza("a", " /etc/a" + hash + "\n /etc/b newconffile\n") + "Package: b\n\n"}};
  const auto conffiles = conffiles_in(guest.root());
  EXPECT_THAT(conffiles.paths, testing::UnorderedElementsAre("/etc/a", "/etc/b"));
  EXPECT_THAT(conffiles.managers, ElementsAre("dpkg"));
  EXPECT_EQ(conffiles.unknown, "");
}

TEST(Dpkg, TakesHashAndFlagsFromTheRight) {
  const Scratch guest{
      {status, stanza("a", " /etc/with space" + hash + " obsolete\n /etc/obsolete" + hash +
                               " remove-on-upgrade\n /etc/both" + hash + " obsolete remove-on-upgrade\n")}};
  EXPECT_THAT(paths_in(guest.root()), ElementsAre("/etc/both", "/etc/obsolete", "/etc/with space"));
}

TEST(Dpkg, TellsThoseOfRemovedPackages) {
  const Scratch guest{{status, "Package: a\nStatus: deinstall ok config-files\nConffiles:\n /etc/a" + hash + "\n"}};
  EXPECT_THAT(paths_in(guest.root()), ElementsAre("/etc/a"));
  EXPECT_THAT(packages_in(guest.root()).packages, IsEmpty());
}

TEST(Dpkg, TellsWhatIsNewerThanItsStatus) {
  const Scratch guest{{status, stanza("a", " /etc/a" + hash + "\n")},
                      {"var/lib/dpkg/updates/0000", stanza("b", " /etc/b newconffile\n")},
                      {"var/lib/dpkg/updates/tmp.i", "torn"}};
  EXPECT_THAT(paths_in(guest.root()), ElementsAre("/etc/a", "/etc/b"));
}

TEST(Dpkg, IsReadFromStatusDToo) {
  const Scratch guest{{"var/lib/dpkg/status.d/base", "Package: base-files\nVersion: 12\nArchitecture: amd64\n"},
                      {"var/lib/dpkg/status.d/base.md5sums", "0877786daf8479dd91be0f89f223a102  usr/share/x\n"}};
  const auto conffiles = conffiles_in(guest.root());
  EXPECT_THAT(conffiles.managers, ElementsAre("dpkg"));
  EXPECT_EQ(conffiles.unknown, "");
  EXPECT_EQ(packages_in(guest.root()).packages.at(0).name, "base-files");
}

TEST(Dpkg, TellsWhatUcfKeeps) {
  const Scratch guest{{status, ""},
                      {"var/lib/ucf/hashfile", "0877786daf8479dd91be0f89f223a102  /etc/php/8.2/calendar.ini\n"}};
  EXPECT_THAT(paths_in(guest.root()), ElementsAre("/etc/php/8.2/calendar.ini"));
}

TEST(Dpkg, FollowsDiversions) {
  const Scratch guest{{status, stanza("a", " /etc/a" + hash + "\n")},
                      {"var/lib/dpkg/diversions", "/etc/a\n/etc/a.distrib\nb\n/bin/x\n/bin/x.real\nb\n"},
                      {"var/lib/dpkg/info/a.list", "/.\n/etc/a\n/bin/x\n/bin/y\n"}};
  EXPECT_THAT(paths_in(guest.root()), ElementsAre("/etc/a", "/etc/a.distrib"));
  EXPECT_THAT(packages_in(guest.root()).packages.at(0).files, ElementsAre("/bin/x.real", "/bin/y"));
}

TEST(Dpkg, TellsPackagesOfSeveralArchitectures) {
  const std::string rest = "\nStatus: install ok installed\nVersion: 2.36-9+deb12u14\n\n";
  const Scratch guest{{status, "Package: libc6\nArchitecture: amd64" + rest + "Package: libc6\nArchitecture: i386" +
                                   rest + "Package: base\nArchitecture: all" + rest},
                      {"var/lib/dpkg/info/libc6:amd64.list", "/lib64/libc.so\n"},
                      {"var/lib/dpkg/info/libc6:i386.list", "/lib32/libc.so\n"},
                      {"var/lib/dpkg/info/base.list", "/etc\n/etc/base\n"}};
  const auto packages = packages_in(guest.root()).packages;
  ASSERT_EQ(packages.size(), 3u);
  EXPECT_EQ(packages[0].name, "base");
  EXPECT_THAT(packages[1].files, ElementsAre("/lib64/libc.so"));
  EXPECT_THAT(packages[2].files, ElementsAre("/lib32/libc.so"));
  EXPECT_EQ(packages[2].version, "2.36-9+deb12u14");
}

TEST(Dpkg, TellsWhereAConffileIs) {
  const Scratch guest{{status, stanza("a", " /lib/a.conf" + hash + "\n /etc/b" + hash + "\n")},
                      {"usr/lib/a.conf", ""},
                      {"srv/b", ""},
                      {"etc/.keep", ""}};
  std::filesystem::create_symlink("usr/lib", guest / "lib");
  std::filesystem::create_symlink("/srv/b", guest / "etc/b");
  EXPECT_THAT(paths_in(guest.root()), ElementsAre("/srv/b", "/usr/lib/a.conf"));
}

TEST(Dpkg, SaysNothingOfAGuestWithoutIt) {
  const Scratch guest{{"etc/passwd", ""}};
  const auto conffiles = conffiles_in(guest.root());
  EXPECT_THAT(conffiles.managers, IsEmpty());
  EXPECT_EQ(conffiles.unknown, "");
}

TEST(Dpkg, IsUnreadableWhereItsStatusIsNoFile) {
  const Scratch guest{{"var/lib/dpkg/arch", "amd64"}};
  const auto place = guest / status;
  ASSERT_EQ(::mkfifo(place.c_str(), 0644), 0);
  EXPECT_EQ(conffiles_in(guest.root()).unknown, unknown(status + ": not a regular file"));
  EXPECT_EQ(packages_in(guest.root()).unknown, "packages unreadable (" + status + ": not a regular file)");
  std::filesystem::remove(place);
  std::filesystem::create_symlink("/dev/zero", place);
  EXPECT_EQ(conffiles_in(guest.root()).unknown, unknown(status + ": leads nowhere"));
}

TEST(Dpkg, IsUnreadableWhereItsStatusIsADevice) {
  const Scratch guest{{"var/lib/dpkg/arch", "amd64"}, {"dev/.keep", ""}};
  if (::mknod((guest / "dev/zero").c_str(), S_IFCHR | 0666, makedev(1, 5)) != 0) GTEST_SKIP() << "needs root";
  std::filesystem::create_symlink("/dev/zero", guest / status);
  EXPECT_EQ(conffiles_in(guest.root()).unknown, unknown(status + ": not a regular file"));
}

TEST(Dpkg, IsNeverReadOutsideOfTheRoot) {
  const Scratch dir{{"status", stanza("a", " /etc/a" + hash + "\n")}, {"guest/var/lib/dpkg/arch", ""}};
  std::filesystem::create_symlink("../../../../status", dir / ("guest/" + status));
  EXPECT_EQ(conffiles_in(dir / "guest").unknown, unknown(status + ": leads nowhere"));
}

TEST(Dpkg, IsUnreadableWhereItsStatusIsTooLarge) {
  const Scratch guest{{status, ""}};
  std::filesystem::resize_file(guest / status, 500'000'000);
  EXPECT_EQ(conffiles_in(guest.root()).unknown, unknown(status + ": too large"));
}

TEST(Dpkg, IsUnreadableWhereItsStatusIsForged) {
  const std::string forged[] = {"x", " Package: a\n", "Package: a\nnothing\n", std::string(1 << 20, '\0'),
                                "Package: a\nConffiles:\n /etc/a\n"};
  for (const auto& text : forged) {
    const Scratch guest{{status, text}};
    EXPECT_THAT(conffiles_in(guest.root()).unknown, testing::StartsWith("packages unreadable: ")) << text.substr(0, 20);
  }
}

TEST(Dpkg, IsBoundedOnOneLongLine) {
  const Scratch guest{{status, stanza("a", " /" + std::string(10 << 20, 'a') + hash + "\n /etc/a" + hash + "\n")}};
  EXPECT_THAT(paths_in(guest.root()), ElementsAre("/etc/a"));
}

TEST(Dpkg, TellsTheSameOnceAMillionTimes) {
  std::string lines;
  for (int i = 0; i < 1'000'000; ++i) lines += " /etc/a x\n";
  const Scratch guest{{status, stanza("a", lines)}};
  EXPECT_THAT(paths_in(guest.root()), ElementsAre("/etc/a"));
}

TEST(Dpkg, IsUnreadableWithAMillionConffiles) {
  std::string lines;
  for (int i = 0; i < 1'000'000; ++i) lines += " /etc/" + std::to_string(i) + " x\n";
  const Scratch guest{{status, stanza("a", lines)}};
  EXPECT_EQ(conffiles_in(guest.root()).unknown, unknown(status + ": too many configuration files"));
}

TEST(Dpkg, PassesOverPathsThatAreNotClean) {
  std::string lines;
  for (const std::string path : {"/..", "/../etc/x", "/etc/../x", "//etc/x", "/etc//x", "/etc/./x", "/etc/x/", "/"})
    lines += " " + path + hash + "\n";
  const Scratch guest{{status, stanza("a", lines + " /etc/" + std::string("nul\0", 4) + hash + "\n")}};
  const auto conffiles = conffiles_in(guest.root());
  EXPECT_THAT(conffiles.paths, IsEmpty());
  EXPECT_EQ(conffiles.unknown, "");
}

TEST(Dpkg, TakesLinesThatEndInCr) {
  const Scratch guest{{status, "Package: a\r\nConffiles:\r\n /etc/a" + hash + "\r\n\r\nPackage: b\r\n"}};
  EXPECT_THAT(paths_in(guest.root()), ElementsAre("/etc/a"));
}

TEST(Dpkg, CallsADirectoryByItsOwnNameOnly) {
  const Scratch guest{{status, stanza("a", " /etc" + hash + "\n")}, {"etc/passwd", ""}};
  EXPECT_THAT(paths_in(guest.root()), ElementsAre("/etc"));
}

}  // namespace
}  // namespace vunify::test
