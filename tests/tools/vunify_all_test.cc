// SPDX-License-Identifier: Apache-2.0
// The guests of a configuration: all of them, or some by name, each by its own rules.
#include <fcntl.h>
#include <gmock/gmock.h>
#include <sys/wait.h>
#include <unistd.h>

#include <filesystem>

#include "sys/inode.h"
#include "tests/eventually.h"
#include "tests/root_test.h"
#include "tests/stopped_run.h"
#include "tests/tools/configured_guests.h"

namespace vunify::test {
namespace {

using testing::HasSubstr;
using testing::Not;

const std::string common_text(5000, 'x');

// A process whose root is that of a guest: it appends "mine" to a file, once whoever has a lease on that lets it.
class Inhabitant {
 public:
  Inhabitant(const std::string& root, const std::string& path)
      : lease_(":" + std::to_string(stat_name(AT_FDCWD, (root + path).c_str())->ino) + " "), process_(::fork()) {
    if (process_ == 0) ::_exit(live(root.c_str(), path.c_str()) ? 0 : 1);
  }
  Inhabitant(const Inhabitant&) = delete;

  bool waits() const {
    return eventually([this] { return shell("grep BREAKING /proc/locks | grep -q '" + lease_ + "'").status == 0; });
  }
  // Waits for its end; once.
  bool has_written() const {
    int status = 0;
    return ::waitpid(process_, &status, 0) == process_ && status == 0;
  }

 private:
  // Beside other threads of the test: system calls alone.
  static bool live(const char* root, const char* path) {
    return ::chroot(root) == 0 && ::write(::open(path, O_WRONLY | O_APPEND), "mine", 4) == 4;
  }

  std::string lease_;  // of that file, in /proc/locks
  pid_t process_;
};

class VunifyAll : public RootTest {
 protected:
  void SetUp() override {
    RootTest::SetUp();
    guests_.fill({"a", "b", "c"}, "usr/x", common_text);
    guests_.set(".defaults/apps/vunify/protect", flag_name());
  }
  ConfiguredGuests guests_{{"a", "b", "c"}};
};

TEST_F(VunifyAll, UnifiesEveryGuestOfTheHost) {
  const auto report = guests_.report({"--all"});
  EXPECT_EQ(report["linked_files"], 2) << report.dump(1);
  EXPECT_TRUE(guests_.are_one("a/usr/x", "b/usr/x") && guests_.are_one("a/usr/x", "c/usr/x"));
}

TEST_F(VunifyAll, TakesNamesAndDirectories) {
  EXPECT_EQ(guests_.report({"a", "b"})["linked_files"], 1);
  EXPECT_FALSE(guests_.are_one("a/usr/x", "c/usr/x"));
  EXPECT_EQ(guests_.report({protect_by_flag(), "a", guests_ / "vs/c"})["linked_files"], 1);
  EXPECT_TRUE(guests_.are_one("a/usr/x", "c/usr/x"));
}

TEST_F(VunifyAll, SaysThatNoGuestHasTheName) {
  const auto finished = guests_.vunify({"a", "nobody"});
  EXPECT_EQ(finished.status, 2);
  EXPECT_THAT(finished.err, HasSubstr("vunify: nobody: no guest of this name"));
  EXPECT_FALSE(guests_.are_one("a/usr/x", "b/usr/x"));
}

TEST_F(VunifyAll, SharesWithinAGroupOnly) {
  guests_.set("c/apps/vunify/group", "web");
  EXPECT_EQ(guests_.report({"--all"})["linked_files"], 1);
  EXPECT_TRUE(guests_.are_one("a/usr/x", "b/usr/x"));
  EXPECT_FALSE(guests_.are_one("a/usr/x", "c/usr/x"));
}

// Both have more than one file, and batches of one worker in one staging directory.
TEST_F(VunifyAll, SharesInTwoGroupsAtOnce) {
  for (const std::string guest : {"c", "d"}) {
    if (guest == "d") guests_.add(guest);
    guests_.set(guest + "/apps/vunify/group", "web");
  }
  for (int i = 0; i < 50; ++i)
    guests_.fill({"a", "b", "c", "d"}, "usr/" + std::to_string(i), common_text + std::to_string(i));
  EXPECT_EQ(guests_.report({"--all", "--jobs=2"})["linked_files"], 101);
  EXPECT_TRUE(guests_.are_one("a/usr/7", "b/usr/7") && guests_.are_one("c/usr/7", "d/usr/7"));
  EXPECT_FALSE(guests_.are_one("a/usr/7", "c/usr/7"));
  EXPECT_FALSE(guests_.exists("vs/.vunify"));
}

TEST_F(VunifyAll, PartsGuestsThatAreOfTwoGroupsNow) {
  ASSERT_EQ(guests_.report({"--all"})["linked_files"], 2);
  guests_.set("c/apps/vunify/group", "web");
  const auto report = guests_.report({"--all"});
  EXPECT_EQ(report["copied_files"], 1) << report.dump(1);
  EXPECT_FALSE(guests_.are_one("a/usr/x", "c/usr/x"));
  EXPECT_EQ(guests_.report({"--all"})["copied_files"], 0);
}

// The index knows of keepers that guests of the other group have.
TEST_F(VunifyAll, FindsNoKeeperInAnotherGroup) {
  ASSERT_EQ(guests_.report({"a", "b"})["linked_files"], 1);
  guests_.set("c/apps/vunify/group", "web");
  EXPECT_EQ(guests_.report({"c"})["linked_files"], 0);
  std::filesystem::remove(guests_ / "config/c/apps/vunify/group");
  EXPECT_EQ(guests_.report({"c"})["linked_files"], 1);
}

TEST_F(VunifyAll, ExcludesAndProtectsEachGuestByItsOwnRules) {
  guests_.fill({"a", "b", "c"}, "srv/y", common_text + "y");
  guests_.set("c/apps/vunify/exclude", "/srv");
  EXPECT_EQ(guests_.report({"--all"})["linked_files"], 3);
  EXPECT_TRUE(guests_.are_one("a/srv/y", "b/srv/y"));
  EXPECT_FALSE(guests_.are_one("a/srv/y", "c/srv/y"));
}

TEST_F(VunifyAll, SkipsTheGuestThatIsToldOfWrongly) {
  guests_.set("c/context", "many");
  const auto finished = guests_.vunify({"--all"});
  EXPECT_EQ(finished.status, 1) << finished.out;
  EXPECT_THAT(finished.out + finished.err, HasSubstr(guests_ / "config/c/context:1: "));
  EXPECT_TRUE(guests_.are_one("a/usr/x", "b/usr/x"));
  EXPECT_FALSE(guests_.are_one("a/usr/x", "c/usr/x"));
}

// Its guests are known, and none of them is opened yet.
TEST_F(VunifyAll, GoesOnWithoutAGuestWhoseRootGoesMeanwhile) {
  StoppedRun night(guests_.command({"--jobs=1", "--all"}), "flock", 1, guests_ / "trace");
  std::filesystem::remove_all(guests_ / "vs/c");
  const auto finished = night.go_on();
  EXPECT_EQ(finished.status, 1) << finished.out << finished.err;
  EXPECT_THAT(finished.out + finished.err, HasSubstr(guests_ / "vs/c: no such file or directory"));
  EXPECT_TRUE(guests_.are_one("a/usr/x", "b/usr/x"));
}

// At the first exchange: by then nobody asks any more who lives where.
TEST_F(VunifyAll, LeavesAGuestThatIsStartedMeanwhileWhatItWrites) {
  StoppedRun night(guests_.command({"--jobs=1", "--all"}), "renameat2", 1, guests_ / "trace");
  const Inhabitant guest(guests_ / "vs/a", "/usr/x");
  EXPECT_TRUE(guest.waits());
  EXPECT_EQ(night.go_on().status, 0);
  EXPECT_TRUE(guest.has_written());
  EXPECT_EQ(guests_.read("vs/a/usr/x"), common_text + "mine");
  for (const std::string other : {"b", "c"}) EXPECT_EQ(guests_.read("vs/" + other + "/usr/x"), common_text);
  EXPECT_EQ(guests_.vunify({"--all"}).status, 0);
  EXPECT_TRUE(guests_.are_one("b/usr/x", "c/usr/x"));
  EXPECT_EQ(guests_.read("vs/a/usr/x"), common_text + "mine");
}

TEST_F(VunifyAll, LeavesConffilesOfDpkgAlone) {
  const std::string status =
      "Package: base\nStatus: install ok installed\nVersion: 1\nConffiles:\n /etc/conf 0123456789abcdef\n\n";
  guests_.fill({"a", "b"}, "var/lib/dpkg/status", status);
  guests_.fill({"a", "b"}, "etc/conf", common_text);
  guests_.fill({"a", "b"}, "etc/other", common_text + "o");
  const auto report = guests_.report({"a", "b"});
  EXPECT_FALSE(guests_.are_one("a/etc/conf", "b/etc/conf"));
  EXPECT_TRUE(guests_.are_one("a/etc/other", "b/etc/other"));
  EXPECT_EQ(report["skipped"]["conffile"], 2) << report.dump(1);
  const auto why = guests_.vunify({"--why", "a", "/etc/conf"});
  EXPECT_THAT(why.out, HasSubstr("left alone: conffile"));
}

// A forged database is to cost that guest no more than what it names.
TEST_F(VunifyAll, SharesWhatLiesInADirectoryThatIsCalledAConffile) {
  const std::string status = "Package: base\nStatus: install ok installed\nConffiles:\n /etc 0\n /usr 0\n / 0\n";
  guests_.fill({"a", "b"}, "var/lib/dpkg/status", status);
  guests_.fill({"a", "b"}, "etc/deep/conf", common_text + "c");
  guests_.report({"a", "b"});
  EXPECT_TRUE(guests_.are_one("a/etc/deep/conf", "b/etc/deep/conf"));
  EXPECT_TRUE(guests_.are_one("a/usr/x", "b/usr/x"));
}

TEST_F(VunifyAll, SharesConffilesWhereTheConfigurationSaysSo) {
  const std::string status = "Package: base\nStatus: install ok installed\nConffiles:\n /etc/conf 0123456789abcdef\n";
  guests_.fill({"a", "b"}, "var/lib/dpkg/status", status);
  guests_.fill({"a", "b"}, "etc/conf", common_text + "c");
  for (const std::string guest : {"a", "b"}) guests_.set(guest + "/apps/vunify/pkgmgmt-ignore", "");
  guests_.report({"a", "b"});
  EXPECT_TRUE(guests_.are_one("a/etc/conf", "b/etc/conf"));
}

TEST_F(VunifyAll, IsDoneOnAHostWithoutGuests) {
  for (const auto& name : guests_.names("config")) std::filesystem::remove_all(guests_ / ("config/" + name));
  const auto finished = guests_.vunify({"--all", "--provider=vserver"});
  EXPECT_EQ(finished.status, 0) << finished.err;
  EXPECT_THAT(finished.out, HasSubstr("no guest on this host"));
}

TEST_F(VunifyAll, TakesNoConfigurationThatIsNotThere) {
  std::filesystem::remove_all(guests_ / "config");
  const auto finished = guests_.vunify({"--all"});
  EXPECT_EQ(finished.status, 2);
  EXPECT_EQ(finished.err, "vunify: --config: " + guests_ / "config" + ": no such directory\n");
}

TEST_F(VunifyAll, FindsAConfigurationFromWhereItIsCalled) {
  const auto finished =
      shell("cd " + guests_.root() + " && " VUNIFY_BIN_DIR "/vunify --config config --state state --list");
  EXPECT_EQ(finished.status, 0) << finished.err;
  EXPECT_THAT(finished.out, HasSubstr(guests_ / "vs/a"));
}

TEST_F(VunifyAll, RefusesAConfigurationThatOthersMayWrite) {
  std::filesystem::permissions(guests_ / "config", std::filesystem::perms::all);
  const auto finished = guests_.vunify({"--all"});
  EXPECT_EQ(finished.status, 2) << finished.err;
  EXPECT_THAT(finished.err, HasSubstr("vunify: " + guests_ / "config: "));
}

TEST_F(VunifyAll, ListsWhoIsThereAndSkipsWhatIsWrong) {
  guests_.set("c/context", "many");
  const auto finished = guests_.vunify({"--list"});
  EXPECT_EQ(finished.status, 1);
  EXPECT_THAT(finished.out, HasSubstr("a      vserver   -    stopped  immutable, configured  " + guests_ / "vs/a"));
  EXPECT_THAT(finished.err, HasSubstr("vunify: " + guests_ / "config/c/context:1: "));
}

TEST_F(VunifyAll, AnswersWhyForAGuestByName) {
  ASSERT_EQ(guests_.report({"--all"})["linked_files"], 2);
  std::filesystem::create_directory_symlink("usr", guests_ / "vs/b/sbin");
  const auto why = guests_.vunify({"--why", "b", "/sbin/x"});
  EXPECT_EQ(why.status, 0) << why.err;
  EXPECT_THAT(why.out, HasSubstr("a: /usr/x"));
  EXPECT_THAT(why.out, HasSubstr("c: /usr/x"));
}

}  // namespace
}  // namespace vunify::test
