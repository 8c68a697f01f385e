// SPDX-License-Identifier: Apache-2.0
// A break that fails changes nothing: the caller gets the error, the name leads to the shared inode, staging is empty.
#include <sys/stat.h>
#include <sys/vfs.h>

#include "tests/fuse/guest_mount.h"

namespace vunify::test {
namespace {

class Refused : public GuestMount {
 protected:
  // Until a write of one byte fails; preallocated, so that it is quick.
  void fill() const {
    const Fd file = open_host(dir() / "filler", O_WRONLY | O_CREAT);
    for (off_t piece = 64 << 20; piece > 0; piece /= 2)
      while (::fallocate(file.get(), 0, stat_size(file.get()), piece) == 0) continue;
  }
  static off_t stat_size(int fd) {
    struct stat st {};
    check(::fstat(fd, &st), "fstat");
    return st.st_size;
  }
};

TEST_P(Refused, WhereTheDiskIsFull) {
  share("f", std::string(1 << 20, 'x'));
  mount();
  fill();
  EXPECT_EQ(error_of(::open(mine("f").c_str(), O_WRONLY | O_CLOEXEC)), ENOSPC);
  EXPECT_EQ(error_of(::chmod(mine("f").c_str(), 0600)), ENOSPC);
  EXPECT_EQ(error_of(::truncate(mine("f").c_str(), 5)), ENOSPC);
  EXPECT_TRUE(is_shared("f"));
  EXPECT_EQ(read("f").size(), 1u << 20);
  EXPECT_TRUE(dir().names(".vcow-breaks/" + dir().names(".vcow-breaks").front()).empty());
  check(::unlink((dir() / "filler").c_str()), "unlink");
  EXPECT_EQ(error_of(::truncate(mine("f").c_str(), 5)), 0);
  EXPECT_EQ(read("f"), "xxxxx");
}

TEST_P(Refused, WhereTheFileIsImmutableInTheGuest) {
  share("f");
  mount();
  must(run({"chattr", "+i", mine("f")}));
  EXPECT_EQ(error_of(::open(mine("f").c_str(), O_WRONLY | O_CLOEXEC)), EPERM);
  EXPECT_EQ(error_of(::unlink(mine("f").c_str())), EPERM);
  EXPECT_FALSE(dir().inode("other/f").immutable);
  must(run({"chattr", "-i", mine("f")}));
  EXPECT_EQ(error_of(::unlink(mine("f").c_str())), 0);
}

TEST_P(Refused, WhereTheProgramRuns) {
  share("sleep", "");
  must(run({"cp", "/bin/sleep", others("sleep")}));
  must(run({"chmod", "755", others("sleep")}));
  mount();
  const auto script = mine("sleep") + " 60 & pid=$!; until [ /proc/$pid/exe -ef " + mine("sleep") + " ]; do :; done; " +
                      "sh -c '>> " + mine("sleep") + "'; status=$?; kill $pid; exit $status";
  const auto finished = shell(script);
  EXPECT_NE(finished.status, 0);
  EXPECT_NE(finished.err.find("Text file busy"), std::string::npos) << finished.err;
  EXPECT_TRUE(is_shared("sleep"));
}

TEST_P(Refused, ToWhoMayNotWrite) {
  share("f");
  mount();
  const auto finished = shell("setpriv --reuid=1000 --regid=1000 --clear-groups sh -c '>> " + mine("f") + "'");
  EXPECT_NE(finished.status, 0);
  EXPECT_TRUE(is_shared("f"));
}

TEST_P(Refused, WhatTheFilesystemKeepsNot) {
  share("f");
  mount();
  EXPECT_NE(run({"chattr", "-p", "42", mine("f")}).status, 0) << "it keeps no projects";
  EXPECT_NE(run({"chattr", "+C", mine("f")}).status, 0) << "it copies nothing on write";
  EXPECT_TRUE(is_shared("f"));
  must(run({"chattr", "+d", mine("f")}));
  EXPECT_FALSE(is_shared("f"));
}

INSTANTIATE_TEST_SUITE_P(BothWays, Refused, both_ways, name_of_each);

}  // namespace
}  // namespace vunify::test
