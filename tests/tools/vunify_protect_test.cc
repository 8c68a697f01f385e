// SPDX-License-Identifier: Apache-2.0
// What has to agree beside the bytes, and what becomes of inodes that were shared before we came.
#include <fcntl.h>
#include <gmock/gmock.h>
#include <sys/stat.h>
#include <unistd.h>

#include <thread>

#include "sys/fd.h"
#include "tests/root_test.h"
#include "tests/shared.h"
#include "tests/tools/guests.h"

namespace vunify::test {
namespace {

using testing::HasSubstr;

// Of an index and journals, which lie beside the guests here.
const std::int64_t state_bytes = 200'000 + 64'000 * std::int64_t{std::thread::hardware_concurrency()};

class VunifyProtect : public RootTest {
 protected:
  static void do_in(const Guests& guests, const std::string& script) {
    const auto done = shell("cd " + guests.root() + " && " + script);
    ASSERT_EQ(done.status, 0) << script << done.err;
  }
};

TEST_F(VunifyProtect, LeavesAloneWhatDiffersInAnyMetadata) {
  const Words differing = {"mode", "setuid", "owner", "group", "acl", "caps", "user", "big", "mtime", "flag"};
  Guests guests(both(differing));
  do_in(guests,
        "chmod 600 a/mode; chmod u+s a/setuid; chown 7 a/owner; chown :7 a/group; setfacl -m u:7:r a/acl;"
        "setcap cap_net_raw+ep a/caps; setfattr -n user.x -v 1 a/user; setfattr -n user.x -v 2 b/user;"
        "setfattr -n security.label -v \"$(head -c 3000 /dev/zero | tr '\\0' x)\" b/big;"
        "touch -d @1577836801 a/mtime; chattr +d a/flag");
  const auto report = guests.report();
  EXPECT_EQ(report["linked_files"], 0) << report.dump(1);
  for (const auto& path : differing) EXPECT_FALSE(guests.are_one(path)) << path;
  EXPECT_GE(report["skipped"]["metadata-differs"], 8) << report.dump(1);
  expect_every_file_is_told(report);
}

// What a guest began with a file of its own before we came cannot reach another.
TEST_F(VunifyProtect, SharesAnInodeThatNoGuestEverHad) {
  Guests guests(both({"f", "g"}));
  const auto a = guests.inode("a/f").ino, b = guests.inode("b/f").ino;
  EXPECT_EQ(guests.report()["linked_files"], 2);
  EXPECT_TRUE(guests.are_one("f"));
  EXPECT_THAT(guests.inode("a/f").ino, testing::AllOf(testing::Ne(a), testing::Ne(b)));
}

// Beside one that has the same bytes, and an attribute more.
TEST_F(VunifyProtect, SharesAnInodeThatNoGuestEverHadThoughASharedOneIsAlike) {
  Guests guests({{"a/f", same("f")}, {"b/f", same("f")}}, "/var/tmp", {"a", "b", "c", "d"});
  do_in(guests, "setfattr -n user.x -v 1 a/f b/f");
  ASSERT_EQ(guests.report()["linked_files"], 1);
  for (const auto* path : {"c/f", "d/f"}) guests.write(path, same("f"));
  do_in(guests, "touch -r a/f c/f d/f");
  const auto c = guests.inode("c/f").ino, d = guests.inode("d/f").ino;
  EXPECT_EQ(guests.report()["linked_files"], 1);
  EXPECT_TRUE(guests.are_one("c/f", "d/f") && guests.are_one("a/f", "b/f"));
  EXPECT_THAT(guests.inode("c/f").ino, testing::AllOf(testing::Ne(c), testing::Ne(d)));
}

TEST_F(VunifyProtect, SharesAnInodeOfAGuestThatIsStopped) {
  Guests guests(both({"f"}));
  const auto a = guests.inode("a/f").ino, b = guests.inode("b/f").ino;
  EXPECT_EQ(guests.report({"--sledgehammer"})["linked_files"], 1);
  EXPECT_THAT(guests.inode("b/f").ino, testing::AnyOf(a, b));
  EXPECT_TRUE(guests.are_one("f"));
}

TEST_F(VunifyProtect, KeepsMetadataThatAgreesWhateverItsOrder) {
  const Words agreeing = {"setuid", "acl", "caps", "user", "big", "nanoseconds"};
  Guests guests(both(agreeing));
  for (const std::string guest : {"a", "b"}) {
    const bool first = guest == "a";
    do_in(guests, "cd " + guest + " && chmod u+s setuid; setfacl -m u:7:r acl; setcap cap_net_raw+ep caps;" +
                      (first ? "setfattr -n user.x -v 1 user; setfattr -n user.y -v 2 user;"
                             : "setfattr -n user.y -v 2 user; setfattr -n user.x -v 1 user;") +
                      "setfattr -n user.big -v \"$(head -c 3000 /dev/zero | tr '\\0' x)\" big;" +
                      "touch -d @1577836800." + (first ? "1" : "9") +
                      " nanoseconds; touch -d @1577836800 user big acl caps");
  }
  const auto before = image_of(guests / "b");
  EXPECT_EQ(guests.report()["linked_files"], agreeing.size());
  EXPECT_EQ(image_of(guests / "b"), before);
  expect_second_run_rests(guests);
}

TEST_F(VunifyProtect, KeepsTheOldestMtimeWhereItMayDiffer) {
  Guests guests(both({"f"}));
  do_in(guests, "touch -d @1577836900 a/f; touch -d @1500000000 b/f");
  EXPECT_EQ(guests.report()["linked_files"], 0);
  EXPECT_EQ(guests.report({"--ignore-mtime"})["linked_files"], 1);
  EXPECT_EQ(guests.inode("a/f").stamp.mtime.sec, 1500000000);
}

TEST_F(VunifyProtect, CountsShiftedOwnersAndNamesTheCure) {
  Guests guests(both({"x", "y", "differs"}));
  guests.write("b/differs", same("diffxrs"));
  do_in(guests, "chown 100000:100000 b/*");
  const auto finished = guests.vunify({"-v"});
  EXPECT_THAT(finished.out, HasSubstr("idmapped mount"));
  const auto report = guests.report();
  EXPECT_EQ(report["skipped"]["shifted-owner"], 4) << report.dump(1);
  EXPECT_EQ(report["linked_files"], 0);
  expect_every_file_is_told(report);
}

TEST_F(VunifyProtect, LeavesFlagsOfTheOwnerAlone) {
  Guests guests(both({"i", "a"}));
  do_in(guests, "chattr +i a/i; chattr +a b/a");
  const auto report = guests.report();
  EXPECT_EQ(report["linked_files"], 0);
  EXPECT_EQ(report["skipped"]["own-flags"], 2) << report.dump(1);
  EXPECT_TRUE(guests.inode("a/i").immutable);
  EXPECT_FALSE(has_mark(guests / "a/i"));
  EXPECT_EQ(guests.vunify({"-R"}).status, 0);
  EXPECT_TRUE(guests.inode("a/i").immutable);
  do_in(guests, "chattr -i a/i; chattr -a b/a");
}

TEST_F(VunifyProtect, KeepsNamesThatAGuestLinkedItself) {
  Guests guests(both({"f"}));
  do_in(guests, "ln a/f a/g; ln b/f b/outside");
  const auto before = link_sets(guests / "a");
  const auto report = guests.report();
  EXPECT_EQ(report["linked_files"], 0);
  EXPECT_EQ(report["skipped"]["hard-linked"], 4);
  EXPECT_EQ(link_sets(guests / "a"), before);
}

TEST_F(VunifyProtect, GivesSecondCopiesSecondKeepers) {
  Guests guests({}, "/var/tmp", {"a", "b", "c"});
  for (const auto* path : {"a/1", "a/2", "b/1", "b/2", "b/3", "c/1", "c/2"}) guests.write(path, same("x"));
  const auto report = guests.report();
  EXPECT_EQ(report["linked_files"], 4);
  EXPECT_EQ(report["skipped"]["second-copy"], 1);
  for (const auto* guest : {"a", "b", "c"}) EXPECT_TRUE(link_sets(guests / guest).empty()) << guest;
  expect_second_run_rests(guests);
}

TEST_F(VunifyProtect, AdoptsClonesThatWereLinkedWithoutUs) {
  Guests guests;
  guests.write("a/f", same("f"));
  do_in(guests, "rmdir b && cp -al a b");
  const auto before = guests.inode("a/f").ino;
  const auto report = guests.report();
  EXPECT_EQ(report["adopted_files"], 2) << report.dump(1);
  EXPECT_TRUE(guests.are_one("f"));
  EXPECT_TRUE(is_shared(guests / "a/f"));
  EXPECT_NE(guests.inode("a/f").ino, before);
  EXPECT_EQ(report["shared_files"], 2);
  EXPECT_EQ(report["linked_files"], 0);
  EXPECT_EQ(report["freed_bytes"], 0);
  expect_second_run_rests(guests);
}

TEST_F(VunifyProtect, AdoptsStoppedClonesInPlace) {
  Guests guests;
  guests.write("a/f", same("f"));
  do_in(guests, "rmdir b && cp -al a b");
  const auto before = guests.inode("a/f").ino;
  EXPECT_EQ(guests.report({"--sledgehammer"})["adopted_files"], 2);
  EXPECT_EQ(guests.inode("a/f").ino, before);
  EXPECT_TRUE(is_shared(guests / "a/f"));
}

TEST_F(VunifyProtect, KilledWhileItAdoptsItIsMadeWholeByTheNextRun) {
  Guests guests;
  guests.write("a/f", same("f"));
  do_in(guests, "rmdir b && cp -al a b");
  const auto before = image_of(guests / "b");
  for (const auto* when : {"2", "3"}) {  // names led; the first is the probe's
    const auto inject = std::string("inject=renameat2:signal=KILL:when=") + when;
    guests.vunify_under({"-e", "trace=renameat2", "-e", inject}, {"--jobs=1"});
    EXPECT_EQ(image_of(guests / "b"), before);
  }
  EXPECT_EQ(guests.vunify().status, 0);
  EXPECT_EQ(image_of(guests / "b"), before);
  EXPECT_TRUE(guests.are_one("f"));
  EXPECT_TRUE(is_shared(guests / "a/f"));
  EXPECT_FALSE(guests.exists(".vunify"));
}

class VunifyProtectOn : public VunifyProtect, public testing::WithParamInterface<const char*> {};
INSTANTIATE_TEST_SUITE_P(Each, VunifyProtectOn, testing::Values("xfs", "btrfs"), name_of_each);

TEST_P(VunifyProtectOn, GivesClonesCopiesWhereDataIsShared) {
  const LoopFs fs(GetParam(), 320);
  if (!fs.ok()) GTEST_SKIP() << fs.reason();
  Guests guests({}, fs.root());
  guests.protect_by("auto");
  guests.write("a/f", std::string(300000, 'x'));
  do_in(guests, "rmdir b && cp -al a b");
  const auto before = image_of(guests / "b");
  const auto foreseen = guests.report({"-n"});
  const auto report = guests.report();
  for (const auto* key : {"adopted_files", "copied_files", "shared_files", "shared_bytes", "skipped"})
    EXPECT_EQ(foreseen[key], report[key]) << key;
  EXPECT_EQ(report["adopted_files"], 2) << report.dump(1);
  EXPECT_EQ(report["shared_files"], 2);
  EXPECT_EQ(report["copied_files"], 0);
  EXPECT_EQ(report["shared_bytes"], report["bytes"].get<std::uint64_t>() / 2);
  EXPECT_EQ(report["skipped"], Json::object());
  EXPECT_FALSE(guests.are_one("f"));
  EXPECT_EQ(image_of(guests / "b"), before);
  EXPECT_LT(free_drop(report), 100000 + state_bytes);
  expect_second_run_rests(guests);
}

TEST_F(VunifyProtect, ForgetsMarksThatCameWithABackup) {
  Guests guests(both({"f"}));
  guests.make_directory("c");
  ASSERT_EQ(guests.vunify().status, 0);
  do_in(guests, "tar -C a --xattrs --xattrs-include='*' -cf - . | tar -C c --xattrs --xattrs-include='*' -xf -");
  ASSERT_TRUE(has_mark(guests / "c/f"));
  const auto all = [&](const Words& options) {
    Words words = {"vunify", "--state", guests / "state", protect_by_flag(), "--json"};
    words.insert(words.end(), options.begin(), options.end());
    for (const auto* guest : {"a", "b", "c"}) words.push_back(guests / guest);
    return Json::parse(run(words).out);
  };
  EXPECT_EQ(all({})["linked_files"], 1);
  EXPECT_TRUE(guests.are_one("a/f", "c/f"));
  EXPECT_EQ(all({})["linked_files"], 0);
}

TEST_F(VunifyProtect, UnmarksTheLastName) {
  Guests guests(both({"f"}));
  ASSERT_EQ(guests.vunify().status, 0);
  do_in(guests, "chattr -i b/f; rm b/f; chattr +i a/f");
  const auto report = guests.report();
  EXPECT_EQ(report["unmarked_files"], 1) << report.dump(1);
  EXPECT_FALSE(has_mark(guests / "a/f"));
  EXPECT_FALSE(guests.inode("a/f").immutable);
  expect_every_file_is_told(report);
  expect_second_run_rests(guests);
}

TEST_F(VunifyProtect, ProtectsAgainWhatLostItsFlag) {
  Guests guests(both({"f"}));
  ASSERT_EQ(guests.vunify().status, 0);
  do_in(guests, "chattr -i b/f");
  EXPECT_EQ(guests.report()["adopted_files"], 2);
  EXPECT_TRUE(is_shared(guests / "a/f"));
  expect_second_run_rests(guests);
}

TEST_F(VunifyProtect, SeparatesTwoNamesOfASharedInodeInOneGuest) {
  Guests guests(both({"f"}));
  ASSERT_EQ(guests.vunify().status, 0);
  do_in(guests, "chattr -i a/f; ln a/f a/g; chattr +i a/f");
  const auto report = guests.report();
  EXPECT_EQ(report["copied_files"], 1) << report.dump(1);
  EXPECT_FALSE(guests.are_one("a/f", "a/g"));
  EXPECT_NE(guests.are_one("a/f", "b/f"), guests.are_one("a/g", "b/f")) << "whichever the directory names first stays";
  expect_every_file_is_told(report);
}

TEST_P(VunifyProtectOn, SharesDataAndKeepsInodesApartWithReflinks) {
  const LoopFs fs(GetParam(), 320);
  if (!fs.ok()) GTEST_SKIP() << fs.reason();
  Guests guests({}, fs.root());
  guests.protect_by("auto");
  for (const std::string guest : {"a/", "b/"}) guests.write(guest + "f", std::string(1 << 20, 'x'));
  for (const std::string guest : {"a/", "b/"}) guests.write(guest + "small", "inline");
  do_in(guests, "chmod 700 a/f; chown 7:8 a/f; touch -d @1500000000 b/f; sync -f .");
  const auto a = image_of(guests / "a"), b = image_of(guests / "b");
  const auto report = guests.report();
  EXPECT_EQ(report["guests"][0]["protection"], "reflink");
  EXPECT_EQ(report["skipped"].value("not-shareable", 0), GetParam() == std::string("btrfs") ? 2 : 0) << report.dump(1);
  EXPECT_GT(-free_drop(report), 900000 - state_bytes) << report.dump(1);
  EXPECT_TRUE(image_of(guests / "a") == a && image_of(guests / "b") == b);
  const auto second = guests.report();
  EXPECT_EQ(second["read_files"], 0) << second.dump(1);
  expect_second_run_rests(guests);
  do_in(guests, "printf changed >b/f");
  EXPECT_EQ(image_of(guests / "a"), a);
}

}  // namespace
}  // namespace vunify::test
