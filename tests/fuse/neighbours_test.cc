// SPDX-License-Identifier: Apache-2.0
// Two guests mounted side by side that share their files with each other, and with a third.
#include <sys/mount.h>
#include <sys/stat.h>

#include <barrier>
#include <future>

#include "tests/eventually.h"
#include "tests/fuse/guest_mount.h"

namespace vunify::test {
namespace {

constexpr int files = 100;

class Neighbours : public GuestMount {
 protected:
  void SetUp() override {
    GuestMount::SetUp();
    if (!IsSkipped()) dir().make_directory("next");
  }
  void TearDown() override {
    EXPECT_TRUE(eventually([&] { return ::umount2(next("").c_str(), 0) == 0 || errno == EINVAL; }));
    EXPECT_TRUE(eventually([&] { return daemon_of(next("")) == 0; }));
    GuestMount::TearDown();
  }
  std::string next(const std::string& path) const { return dir() / ("next/" + path); }
  void share_with_both(const std::string& path, const std::string& content) const {
    share(path, content);
    check(::link(others(path).c_str(), next(path).c_str()), "link", path);
  }
  void mount_both() {
    mount();
    must(run({"vcow", "mount", next("")}));
  }
};

TEST_P(Neighbours, WriteToOneFileAtOnceAndToTheirOwn) {
  for (int i = 0; i < files; ++i) share_with_both("f" + std::to_string(i), "shared\n");
  mount_both();
  const auto append = [&](const std::string& root, const std::string& text) {
    for (int i = 0; i < files; ++i) {
      const Fd file = open_host(root + "f" + std::to_string(i), O_RDWR | O_APPEND);
      write_all(file.get(), text, root);
    }
  };
  auto other = std::async(std::launch::async, append, next(""), "next\n");
  append(mine(""), "mine\n");
  other.get();
  for (int i = 0; i < files; ++i) {
    EXPECT_EQ(read("f" + std::to_string(i)), "shared\nmine\n");
    EXPECT_EQ(dir().read("next/f" + std::to_string(i)), "shared\nnext\n");
  }
}

// One lifts the flag that the other has just set again.
TEST_P(Neighbours, BreakTheLinksOfProtectedFilesAtOnce) {
  for (int i = 0; i < files; ++i) {
    share_with_both("f" + std::to_string(i), "shared\n");
    must(run({"chattr", "+i", others("f" + std::to_string(i))}));
  }
  mount_both();
  std::barrier together(2);
  const auto append = [&](const std::string& root) {
    for (int i = 0; i < files; ++i) {
      together.arrive_and_wait();
      const Fd file(::open((root + "f" + std::to_string(i)).c_str(), O_WRONLY | O_CLOEXEC));
      EXPECT_EQ(error_of(file.get()), 0) << root << i;
    }
  };
  auto other = std::async(std::launch::async, append, next(""));
  append(mine(""));
  other.get();
  for (int i = 0; i < files; ++i) {
    EXPECT_TRUE(dir().inode("other/f" + std::to_string(i)).immutable);
    EXPECT_EQ(dir().inode("other/f" + std::to_string(i)).nlink, 1u);
  }
}

TEST_P(Neighbours, ReadOnWhileOneWrites) {
  share_with_both("f", "shared\n");
  mount_both();
  const Fd reader = open_host(next("f"), O_RDONLY);
  write("f", "mine\n");
  EXPECT_EQ(read_all(reader.get(), "f"), "shared\n");
  EXPECT_EQ(dir().read("next/f"), "shared\n");
}

TEST_P(Neighbours, RunWhatOneUpgrades) {
  share_with_both("sleep", "");
  must(shell("cp /bin/sleep " + others("sleep") + " && chmod 755 " + others("sleep")));
  mount_both();
  must(shell(next("sleep") + " 60 & pid=$!; until [ /proc/$pid/exe -ef " + next("sleep") + " ]; do :; done; echo >> " +
             mine("sleep") + " && cmp /proc/$pid/exe /bin/sleep && kill $pid"));
  EXPECT_NE(read("sleep"), dir().read("next/sleep"));
}

// The one whose inode has its last name in a guest owns it as little as before.
TEST_P(Neighbours, WriteToTheLastNameOfAnInode) {
  share_with_both("f", "shared\n");
  mount_both();
  const Fd theirs = open_host(next("f"), O_RDONLY);
  check(::unlink(next("f").c_str()), "unlink");
  write("f", "mine\n");
  EXPECT_EQ(read_all(theirs.get(), "f"), "shared\n");
}

INSTANTIATE_TEST_SUITE_P(BothWays, Neighbours, everywhere, name_of_each);

}  // namespace
}  // namespace vunify::test
