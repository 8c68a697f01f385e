// SPDX-License-Identifier: Apache-2.0
// Names that hold any byte, trees of any depth, and contents of every awkward size and shape.
#include <fcntl.h>
#include <gmock/gmock.h>
#include <sys/stat.h>
#include <unistd.h>

#include "sys/fd.h"
#include "tests/root_test.h"
#include "tests/tools/guests.h"
#include "tests/tree.h"

namespace vunify::test {
namespace {

using testing::HasSubstr;
using testing::Not;

class VunifyNames : public RootTest {
 protected:
  const std::string same_ = std::string(5000, 's');
};
using VunifySizes = VunifyNames;

TEST_F(VunifyNames, MayHoldAnyByte) {
  const Words names = {"new\nline",    "\x1b[2J\x1b]0;title\x07",
                       "\xff\xfe\x80", std::string(255, 'n'),
                       "-R",           "--help",
                       "0-0",          "copy-0",
                       "probe",        " ",
                       "\\",           "'\"$(reboot)`",
                       "f\t",          "*",
                       "\xe2\x80\xae"};
  Guests guests;
  for (std::size_t i = 0; i < names.size(); ++i)
    for (const auto* guest : {"a/d/", "b/d/"}) guests.write(guest + names[i], same_ + std::to_string(100 + i));
  const auto before = image_of(guests / "a");
  const auto report = guests.report();
  EXPECT_EQ(report["linked_files"], names.size()) << report.dump(1);
  for (const auto& name : names) EXPECT_TRUE(guests.are_one("d/" + name)) << name;
  EXPECT_EQ(image_of(guests / "a"), before);
  EXPECT_EQ(guests.report({"-R"})["copied_files"], 2 * names.size());
  EXPECT_EQ(image_of(guests / "a"), before);
}

TEST_F(VunifyNames, NeverReachATerminalAsTheyAre) {
  const std::string evil = "\x1b[31mred\n\x9b\xff";
  Guests guests({{"a/" + evil, same_}, {"b/" + evil, same_}}, "/var/tmp", {"a", "b"});
  const auto failed = guests.vunify_under({"-e", "trace=preadv2", "-e", "inject=preadv2:error=EIO"}, {"-v"});
  EXPECT_THAT(failed.out, HasSubstr("\\x1B[31mred\\n"));
  EXPECT_THAT(failed.out, Not(HasSubstr("\x1b")));
  const auto json = guests.vunify_under({"-e", "trace=preadv2", "-e", "inject=preadv2:error=EIO"}, {"--json"});
  EXPECT_TRUE(Json::parse(json.out)["failed"][0].contains("path_base64")) << json.out;
  const auto why =
      run({"vunify", "--state", guests / "state", protect_by_flag(), "--why", guests / "a", evil, guests / "b"});
  EXPECT_EQ(why.status, 0) << why.err;
  EXPECT_THAT(why.out, Not(HasSubstr("\x1b")));
}

TEST_F(VunifyNames, OfGuestsMayBeStrangeToo) {
  const Words names = {"-R", "a\nb", "\xff"};
  Guests guests({}, "/var/tmp", names);
  for (const auto& name : names) guests.write(name + "/f", same_);
  const auto finished = run({"vunify", "--state", guests / "state", protect_by_flag(), "--", guests / "-R",
                             guests / "a\nb", guests / "\xff"});
  EXPECT_EQ(finished.status, 0) << finished.err;
  EXPECT_THAT(finished.out, HasSubstr("a\\nb"));
  EXPECT_EQ(guests.inode("-R/f").nlink, 3);
}

TEST_F(VunifyNames, MayLieFiveThousandDirectoriesDeep) {
  std::string deep;
  for (int i = 0; i < 5000; ++i) deep += "d/";
  Guests guests({{"a/" + deep + "f", same_}, {"b/" + deep + "f", same_}});
  EXPECT_EQ(guests.report()["linked_files"], 1);
  EXPECT_TRUE(guests.are_one(deep + "f"));
  expect_second_run_rests(guests);
  EXPECT_EQ(guests.vunify({"-R"}).status, 0);
  EXPECT_FALSE(guests.are_one(deep + "f"));
}

TEST_F(VunifySizes, AroundBlockAndChunkAreComparedToTheLastByte) {
  Guests guests;
  std::size_t pairs = 0;
  for (const std::size_t edge : {4096, 65536, 131072})
    for (const std::size_t size : {edge - 1, edge, edge + 1}) {
      const auto name = std::to_string(size);
      std::string first(size, 'x'), last(size, 'x');
      first.front() = last.back() = 'y';
      for (const std::string guest : {"a/", "b/"}) guests.write(guest + name, std::string(size, 'x'));
      guests.write("a/first" + name, first);
      guests.write("b/last" + name, last);
      ++pairs;
    }
  const auto report = guests.report();
  EXPECT_EQ(report["linked_files"], pairs) << report.dump(1);
  EXPECT_EQ(report["skipped"]["content-differs"], 2 * pairs);
  expect_every_file_is_told(report);
}

TEST_F(VunifySizes, OfNothingAreLeftAlone) {
  Guests guests;
  for (int i = 0; i < 2000; ++i)
    for (const auto* guest : {"a/", "b/"}) guests.write(guest + std::to_string(i), "");
  const auto report = guests.report();
  EXPECT_EQ(report["skipped"]["empty"], 4000);
  EXPECT_EQ(report["read_files"], 0);
}

void make_sparse(const std::string& path, off_t size, off_t data) {
  const Fd file = open_host(path, O_RDWR | O_CREAT);
  check(::ftruncate(file.get(), size), "ftruncate");
  if (data >= 0) check(::pwrite(file.get(), "data", 4, data), "pwrite");
  check(::fchmod(file.get(), 0644), "fchmod");
  const timespec times[2] = {{1577836800, 0}, {1577836800, 0}};
  check(::futimens(file.get(), times), "futimens");
}

TEST_F(VunifySizes, OfSparseTerabytesTakeNoTime) {
  constexpr off_t tebibyte = off_t{1} << 40;
  Guests guests;
  for (const auto* guest : {"a/", "b/"}) {
    make_sparse(guests / (guest + std::string("hole")), tebibyte, -1);
    make_sparse(guests / (guest + std::string("data")), tebibyte + 1, tebibyte / 2 + 77);
    make_sparse(guests / (guest + std::string("last")), tebibyte + 2, tebibyte - 2);
  }
  make_sparse(guests / "a/differs", tebibyte + 3, 4096);
  make_sparse(guests / "b/differs", tebibyte + 3, tebibyte / 3);
  EXPECT_LT(processor_seconds_of([&] {
              const auto report = guests.report();
              EXPECT_EQ(report["linked_files"], 2) << report.dump(1);
              EXPECT_EQ(report["skipped"]["empty"], 2) << "those of one hole";
              EXPECT_EQ(report["skipped"]["content-differs"], 2);
            }),
            5);
  EXPECT_LT(processor_seconds_of([&] { EXPECT_EQ(guests.vunify({"-R"}).status, 0); }), 5);
  EXPECT_EQ(guests.inode("b/hole").stamp.size, static_cast<std::uint64_t>(tebibyte));
}

class VunifySizesOn : public VunifySizes, public testing::WithParamInterface<const char*> {};
INSTANTIATE_TEST_SUITE_P(Each, VunifySizesOn, testing::Values("xfs", "btrfs"), name_of_each);

TEST_P(VunifySizesOn, OfSparseTerabytesTakeNoTimeWhereDataIsShared) {
  const LoopFs fs(GetParam(), 512);
  if (!fs.ok()) GTEST_SKIP() << fs.reason();
  Guests guests({}, fs.root());
  guests.protect_by("auto");
  for (const auto* guest : {"a/", "b/"})
    make_sparse(guests / (guest + std::string("data")), off_t{1} << 40, off_t{1} << 39);
  EXPECT_LT(processor_seconds_of([&] { EXPECT_EQ(guests.report()["linked_files"], 1); }), 5);
  EXPECT_LT(processor_seconds_of([&] { expect_second_run_rests(guests); }), 5);
}

TEST_F(VunifySizes, OfSparseAndDenseTwinsAreEqualWhenTheirBytesAre) {
  Guests guests;
  make_sparse(guests / "a/f", 1 << 20, 300000);
  std::string dense(1 << 20, '\0');
  dense.replace(300000, 4, "data");
  guests.write("b/f", dense);
  guests.write("a/g", std::string(200000, '\0'));
  shell("fallocate -l 200000 " + guests / "b/g" + "; touch -d @1577836800 " + guests / "b/g");
  const auto report = guests.report();
  EXPECT_EQ(report["linked_files"], 2) << report.dump(1);
  EXPECT_TRUE(guests.are_one("f") && guests.are_one("g"));
  EXPECT_EQ(guests.read("a/f"), dense);
  expect_second_run_rests(guests);
}

TEST_F(VunifySizes, OfAHundredThousandUniqueFilesAreNotComparedWithEachOther) {
  const LoopFs fs("ext4", 900, "", "-N 250000 -b 1024");
  if (!fs.ok()) GTEST_SKIP() << fs.reason();
  Guests guests({}, fs.root());
  shell("cd " + guests.root() + R"( && perl -e '
    for my $g ("a", "b") { for my $d (0..99) { mkdir "$g/$d"; for my $i (0..499) {
      open my $f, ">", "$g/$d/$i"; printf $f "%s %08d unique", $g, $d * 1000 + $i; close $f;
      utime 1577836800, 1577836800, "$g/$d/$i"; } } }')");
  EXPECT_LT(processor_seconds_of([&] {
              const auto report = guests.report();
              EXPECT_EQ(report["files"], 100000);
              EXPECT_EQ(report["linked_files"], 0);
              EXPECT_EQ(report["read_files"], 100000);
            }),
            60);
}

}  // namespace
}  // namespace vunify::test
