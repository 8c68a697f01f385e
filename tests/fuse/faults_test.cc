// SPDX-License-Identifier: Apache-2.0
// A break in which a system call fails: the caller gets that error; the name leads to the shared inode, whole, and
// staging is empty. The kernel's own errors where they can be had, else what strace(1) answers in its place.
#include <sys/resource.h>
#include <sys/stat.h>

#include <filesystem>

#include "tests/fuse/guest_mount.h"
#include "tests/fuse/injected.h"

namespace vunify::test {
namespace {

constexpr std::size_t pieces = 40 << 20;  // bytes, that are copied in three

class Fault : public GuestMount {
 protected:
  static int write_error(const std::string& path) {
    return error_of(Fd(::open(path.c_str(), O_WRONLY | O_CLOEXEC)).get());
  }
  int open_error() const { return write_error(mine("f")); }
  int open_files() const {
    const std::filesystem::directory_iterator all("/proc/" + std::to_string(worker_of(mine(""))) + "/fd");
    return static_cast<int>(std::distance(begin(all), end(all)));
  }
  void expect_as_before(const std::string& content) const {
    EXPECT_TRUE(is_shared("f"));
    EXPECT_EQ(dir().inode("guest/f").nlink, 1u);
    EXPECT_TRUE(read("f") == content);
    EXPECT_TRUE(dir().names(".vcow-breaks/" + dir().names(".vcow-breaks").front()).empty());
  }
};

TEST_P(Fault, OfTheDiskMidwayIsTheCallers) {
  const std::string content(pieces, 'x');
  share("f", content);
  mount();
  {
    // Where data is shared there is no midway.
    const Injected fault(worker_of(mine("")), is_on("ext4") ? "copy_file_range:error=EIO:when=2" : "linkat:error=EIO");
    EXPECT_EQ(open_error(), EIO);
  }
  expect_as_before(content);
  EXPECT_EQ(open_error(), 0);
  EXPECT_TRUE(read("f") == content);
}

TEST_P(Fault, OfAnyStepIsTheCallers) {
  share("f", "shared\n");
  must(run({"setfattr", "-n", "user.a", "-v", "b", others("f")}));
  mount();
  for (const std::string step : {"fchown", "setxattr,fsetxattr", "utimensat", "linkat", "renameat2"}) {
    SCOPED_TRACE(step);
    const Injected fault(worker_of(mine("")), step + ":error=EDQUOT");
    EXPECT_EQ(open_error(), EDQUOT);
    expect_as_before("shared\n");
  }
  EXPECT_EQ(open_error(), 0);
}

// The daemon has no file left to open; who asks is told so, and later it goes on.
TEST_P(Fault, OfTooManyOpenFilesIsTheCallers) {
  share("f", "shared\n");
  mount();
  dir().inode("guest/f");
  const auto daemon = worker_of(mine(""));
  rlimit before{};
  for (int more = 0; more < 4; ++more) {
    const auto files = static_cast<rlim_t>(open_files() + more);
    check(::prlimit(daemon, RLIMIT_NOFILE, nullptr, &before), "prlimit");
    const rlimit few{files, before.rlim_max};
    check(::prlimit(daemon, RLIMIT_NOFILE, &few, nullptr), "prlimit");
    const int error = open_error();
    check(::prlimit(daemon, RLIMIT_NOFILE, &before, nullptr), "prlimit");
    if (error == 0) break;
    EXPECT_EQ(error, EMFILE);
    expect_as_before("shared\n");
  }
  EXPECT_EQ(open_error(), 0);
  EXPECT_EQ(read("f"), "shared\n");
}

INSTANTIATE_TEST_SUITE_P(BothWays, Fault, everywhere, name_of_each);

class Quota : public Fault {};

// Of btrfs, whose quotas every kernel has.
TEST_P(Quota, ThatIsUsedUpIsTheCallersError) {
  share("f", std::string(1 << 20, 'x'));
  mount();
  const auto root = filesystem().root();
  must(shell("btrfs quota enable " + root + " && btrfs filesystem sync " + root + " && btrfs quota rescan -w " + root));
  must(shell("btrfs qgroup limit 512K 0/5 " + root + " && btrfs filesystem sync " + root));
  EXPECT_EQ(open_error(), EDQUOT);
  EXPECT_EQ(error_of(::chmod(mine("f").c_str(), 0600)), EDQUOT);
  expect_as_before(std::string(1 << 20, 'x'));
  must(run({"btrfs", "quota", "disable", root}));
  EXPECT_EQ(open_error(), 0);
}

INSTANTIATE_TEST_SUITE_P(OfBtrfs, Quota, testing::Values("btrfs"), name_of_each);

class Inodes : public Fault {};

// Only ext4 has a number of them.
TEST_P(Inodes, ThatAreUsedUpAreTheCallersError) {
  share("f", "shared\n");
  dir().make_directory("filler");
  mount();
  int made = 0;
  while (const Fd file{::open((dir() / ("filler/" + std::to_string(made))).c_str(), O_CREAT | O_WRONLY | O_CLOEXEC)})
    ++made;
  EXPECT_EQ(open_error(), ENOSPC);
  EXPECT_EQ(error_of(::chmod(mine("f").c_str(), 0600)), ENOSPC);
  EXPECT_EQ(error_of(::link(mine("f").c_str(), mine("g").c_str())), ENOSPC);
  expect_as_before("shared\n");
  check(::unlink((dir() / "filler/0").c_str()), "unlink");
  EXPECT_EQ(open_error(), 0);
}

INSTANTIATE_TEST_SUITE_P(OfExt4, Inodes, both_ways, name_of_each);

}  // namespace
}  // namespace vunify::test
