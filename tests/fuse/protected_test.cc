// SPDX-License-Identifier: Apache-2.0
// Inodes that carry flags or very many names: what protects the others stays, what the guest sets is its own.
#include <sys/mount.h>
#include <sys/stat.h>
#include <sys/xattr.h>

#include <filesystem>

#include "tests/crash_points.h"
#include "tests/eventually.h"
#include "tests/fuse/guest_mount.h"

namespace vunify::test {
namespace {

class ProtectedFile : public GuestMount {
 protected:
  static void append(const std::string& path) { write_all(open_host(path, O_WRONLY | O_APPEND).get(), "x", path); }
  static int open_error(const std::string& path, int flags) {
    return error_of(Fd(::open(path.c_str(), flags | O_CLOEXEC)).get());
  }
  std::string flags_of(const std::string& path) const { return run({"lsattr", mine(path)}).out.substr(0, 20); }
};

TEST_P(ProtectedFile, ShowsNoFlagThatIsNotTheGuests) {
  share("f");
  must(run({"chattr", "+i", others("f")}));
  mount();
  EXPECT_EQ(flags_of("f").find('i'), std::string::npos);
  must(run({"chattr", "-i", mine("f")}));
  EXPECT_TRUE(is_shared("f"));
  EXPECT_TRUE(dir().inode("other/f").immutable);
  must(run({"chattr", "+i", mine("f")}));
  EXPECT_NE(flags_of("f").find('i'), std::string::npos);
  EXPECT_EQ(open_error(mine("f"), O_WRONLY), EPERM);
  must(run({"chattr", "-i", mine("f")}));
  append(mine("f"));
  EXPECT_EQ(read("f"), "shared\nx");
  EXPECT_TRUE(dir().inode("other/f").immutable);
}

TEST_P(ProtectedFile, ThatTheGuestAppendsToIsItsOwn) {
  share("f");
  mount();
  must(run({"chattr", "+a", mine("f")}));
  EXPECT_EQ(open_error(mine("f"), O_WRONLY), EPERM);
  EXPECT_EQ(open_error(mine("f"), O_WRONLY | O_APPEND | O_TRUNC), EPERM);
  EXPECT_EQ(error_of(::truncate(mine("f").c_str(), 0)), EPERM);
  EXPECT_EQ(error_of(::unlink(mine("f").c_str())), EPERM);
  append(mine("f"));
  EXPECT_EQ(read("f"), "shared\nx");
  EXPECT_FALSE(dir().inode("other/f").append_only);
  must(run({"chattr", "-a", mine("f")}));
}

// vunify shares none; a flag that somebody set natively is the answer to all.
TEST_P(ProtectedFile, ThatIsAppendedToByAllStaysAsItIs) {
  share("f");
  must(run({"chattr", "+a", others("f")}));
  mount();
  EXPECT_EQ(open_error(mine("f"), O_WRONLY), EPERM);
  EXPECT_EQ(error_of(::chmod(mine("f").c_str(), 0600)), EPERM);
  EXPECT_TRUE(is_shared("f"));
  EXPECT_EQ(read("f"), "shared\n");
  EXPECT_TRUE(dir().names(".vcow-breaks/" + dir().names(".vcow-breaks").front()).empty());
}

TEST_P(ProtectedFile, OfAsManyNamesAsThereCanBeIsBroken) {
  const int most = is_on("ext4") ? 65'000 : 5'000;  // the others take more than anybody waits for
  for (const auto* name : {"written", "linked"}) {
    share(name);
    const auto more = dir() / (std::string("more-") + name);
    std::filesystem::create_directory(more);
    for (int i = 0; i < most && ::link(others(name).c_str(), (more + "/" + std::to_string(i)).c_str()) == 0;) ++i;
  }
  const auto before = dir().inode("other/written").nlink;
  mount();
  check(::rename(mine("written").c_str(), mine("moved").c_str()), "rename");
  append(mine("moved"));
  check(::link(mine("linked").c_str(), mine("link").c_str()), "link");
  EXPECT_EQ(read("moved"), "shared\nx");
  EXPECT_EQ(dir().inode("guest/link").nlink, 2u);
  EXPECT_EQ(dir().inode("other/written").nlink, before - 1);
}

// As a damaged disk may leave it.
TEST_P(ProtectedFile, OfADamagedNoteKeepsNoGuestFromBeingMounted) {
  const auto note =
      ".vcow-breaks/" + std::to_string(dir().inode("guest").ino) + "/lifted." + std::string(24, 'f') + ".1";
  dir().write(note, "");
  check(::chmod((dir() / ".vcow-breaks").c_str(), 0700), "chmod");
  check(::chmod((dir() / note).substr(0, (dir() / note).rfind('/')).c_str(), 0700), "chmod");
  mount();
  EXPECT_TRUE(dir().exists(note));
  std::filesystem::remove(dir() / note);
}

INSTANTIATE_TEST_SUITE_P(BothWays, ProtectedFile, everywhere, name_of_each);

// A daemon killed while the flag is lifted: its guest's next mount sets it again.
class CrashWhileLifted : public GuestMount {
 protected:
  Finished die_before(int step) {
    const auto in = std::to_string(step) + "/";
    for (const auto* name : {"written", "removed", "moved"}) {
      share(in + name);
      must(run({"chattr", "+i", others(in + name)}));
    }
    const auto finished = work_until(step, in);
    ::umount2(mine("").c_str(), MNT_DETACH);
    must(run({"flock", "-w", "20", mine(""), "true"}));  // the daemon's, until it is gone
    mount();
    for (const auto* name : {"written", "removed", "moved"})
      EXPECT_TRUE(dir().inode("other/" + in + name).immutable) << name;
    unmount();
    return finished;
  }

 private:
  Finished work_until(int step, const std::string& in) const {
    const std::string options = GetParam() == std::string("nopassthrough") ? GetParam() : "rw";
    if (run_until({step, 0, {}}, {"vcow", "mount", "-o", options, mine("")}).status != 0) return {killed, {}, {}};
    auto done = shell("cd " + mine(in) + " && printf x >> written && rm -f removed && mv moved moved2");
    return daemon_of(mine("")) == 0 ? Finished{killed, {}, {}} : done;
  }
};

TEST_P(CrashWhileLifted, LeavesNothingUnprotected) {
  sweep(1, 1, 15, [&](int step) { return die_before(step); });
}

INSTANTIATE_TEST_SUITE_P(, CrashWhileLifted, testing::Values("passthrough", "xfs", "btrfs"), name_of_each);

}  // namespace
}  // namespace vunify::test
