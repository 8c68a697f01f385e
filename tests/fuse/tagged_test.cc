// SPDX-License-Identifier: Apache-2.0
// A guest whose root carries its xid as project id: all that it makes carries it, too, so that the kernel counts it for
// the guest; nothing of it passes it on by itself, so that shared inodes may come and go.
#include <sys/ioctl.h>
#include <sys/mount.h>
#include <sys/stat.h>

#include <filesystem>

#include "sys/held_attr.h"
#include "sys/inode_attr.h"
#include "tests/crash_points.h"
#include "tests/eventually.h"
#include "tests/fuse/guest_mount.h"
#include "tests/fuse/injected.h"

namespace vunify::test {
namespace {

constexpr std::uint32_t xid = 42;

class Tagged : public GuestMount {
 protected:
  void SetUp() override {
    GuestMount::SetUp();
    if (!IsSkipped()) set_project_id(open_host(mine(""), O_RDONLY | O_DIRECTORY).get(), xid);
  }

  Finished in_guest(const std::string& script) const { return shell("cd " + mine("") + " && umask 022 && " + script); }
  static void name_unnamed(const std::string& directory, const std::string& name) {
    const Fd file = open_host(directory, O_TMPFILE | O_RDWR);
    check(::linkat(AT_FDCWD, proc_path(file.get()).c_str(), AT_FDCWD, name.c_str(), AT_SYMLINK_FOLLOW), "linkat");
  }
  // As the filesystem has it: while the guest is not mounted.
  static std::uint32_t tag_at(const std::string& path) {
    return held_attr(open_host(path, O_PATH | O_NOFOLLOW).get()).value().project;
  }
  // What is not the guest's by its tag, or would pass it on.
  std::string mistagged() const {
    std::string found;
    for (const auto& entry : std::filesystem::recursive_directory_iterator(mine(""))) {
      if (tag_at(entry.path()) != xid) found += entry.path().filename().string() + " is not tagged\n";
      if (!entry.is_directory() || entry.is_symlink()) continue;
      const auto attributes = inode_attributes(open_host(entry.path(), O_RDONLY).get());
      if ((attributes.fsx_xflags & FS_XFLAG_PROJINHERIT) != 0) found += entry.path().string() + " passes it on\n";
    }
    return found;
  }
};

TEST_P(Tagged, WhatItMakesCarriesItsTag) {
  mount();
  must(in_guest("echo > f && ln f g && mkdir -p d/e && echo > d/e/f && ln -s f s && mkfifo p && mknod c c 1 3"));
  check(::mknod(mine("socket").c_str(), S_IFSOCK | 0600, 0), "mknod");
  name_unnamed(mine("d"), mine("t"));
  unmount();
  EXPECT_EQ(mistagged(), "");
  EXPECT_EQ(dir().names("guest"), (std::vector<std::string>{"c", "d", "f", "g", "p", "s", "socket", "t"}));
}

// The guest is told that what is shared is of no project, and says so again.
TEST_P(Tagged, ACopyThatAFlagAskedForCarriesItsTag) {
  share("f");
  mount();
  {
    const Fd file = open_host(mine("f"), O_RDONLY);
    auto attributes = inode_attributes(file.get());
    EXPECT_EQ(attributes.fsx_projid, 0u);
    attributes.fsx_xflags ^= FS_XFLAG_NODUMP;
    set_inode_attributes(file.get(), attributes);
  }
  unmount();
  EXPECT_EQ(tag_at(mine("f")), xid);
}

TEST_P(Tagged, ACopyOfWhatWasSharedCarriesItsTag) {
  for (const auto* name : {"written", "emptied", "moded", "kept"}) share(name);
  mount();
  must(in_guest("echo more >> written && : > emptied && chmod 600 moded"));
  unmount();
  for (const auto* name : {"written", "emptied", "moded"}) {
    EXPECT_EQ(tag_at(mine(name)), xid) << name;
    EXPECT_EQ(tag_at(others(name)), 0u) << name;
  }
  EXPECT_TRUE(is_shared("kept"));
}

// A directory that passed the tag on would refuse both: EXDEV.
TEST_P(Tagged, SharedFilesAreMovedAndRemovedInWhatItMade) {
  for (const auto* name : {"a", "b"}) share(name);
  mount();
  must(in_guest("mkdir d && mv a d/a && mv d/a d/c && echo > d/new && mv d/new d/over && mv b d/over && rm d/over"));
  unmount();
  EXPECT_EQ(dir().inode("guest/d/c").ino, dir().inode("other/a").ino);
}

// Not for this filesystem's sake: of others' marks none may be believed that the guest wrote.
TEST_P(Tagged, TheTagIsNotTheGuestsToChange) {
  mount();
  must(in_guest("mkdir d && echo > f"));
  for (const auto* name : {"d", "f"}) {
    const Fd file = open_host(mine(name), O_RDONLY);
    auto attributes = inode_attributes(file.get());
    EXPECT_EQ(attributes.fsx_projid, xid);
    attributes.fsx_projid = 0;
    EXPECT_EQ(error_of(::ioctl(file.get(), FS_IOC_FSSETXATTR, &attributes)), EINVAL);
  }
  EXPECT_NE(in_guest("chattr +P d").status, 0);
  must(in_guest("chattr +d f"));
  unmount();
  EXPECT_EQ(mistagged(), "");
}

// What ext4 says of a project at its limit.
TEST_P(Tagged, AFullProjectIsAFullDiskAndLeavesNothing) {
  share("f");
  mount();
  {
    const Injected fault(worker_of(mine("")), "renameat2:error=EDQUOT");
    EXPECT_EQ(error_of(::mkdir(mine("d").c_str(), 0700)), ENOSPC);
    EXPECT_EQ(error_of(::open(mine("new").c_str(), O_WRONLY | O_CREAT | O_CLOEXEC, 0600)), ENOSPC);
    EXPECT_EQ(error_of(::chmod(mine("f").c_str(), 0600)), ENOSPC);
  }
  unmount();
  EXPECT_EQ(dir().names("guest"), std::vector<std::string>{"f"});
  EXPECT_TRUE(is_shared("f"));
}

constexpr auto makes_in_directories =
    "mkdir -m 777 g a n p && chmod 2777 g && chgrp 50 g && setfacl -d -m u:7:rwx,g:8:r a && chattr +dS n && "
    "for d in p g p a n p; do echo > $d/f$(ls $d | wc -l); mkdir $d/d$(ls $d | wc -l); "
    "mkfifo $d/p$(ls $d | wc -l); done; "
    "setpriv --reuid 7 --regid 7 --clear-groups sh -c 'umask 0; echo > a/u; mkdir a/v g/v; echo > g/u; chmod g+s g/u'";
constexpr auto tell_all = "find . -printf '%P %y %m %U %G %n\\n' | sort; getfacl -Rpn .; lsattr -R | cut -c 1-22,28-";

TEST_P(Tagged, WhatADirectoryPassesOnIsPassedOnAsNatively) {
  dir().make_directory("native");
  must(shell("cd " + (dir() / "native") + " && umask 022 && " + makes_in_directories));
  const auto natively = shell("cd " + (dir() / "native") + " && " + tell_all).out;
  mount();
  must(in_guest(makes_in_directories));
  unmount();
  EXPECT_EQ(in_guest(tell_all).out, natively);
  EXPECT_EQ(mistagged(), "");
}

TEST_P(Tagged, ANameThatIsTakenStaysWhatItIs) {
  write("f", "old");
  mount();
  EXPECT_EQ(error_of(::mkdir(mine("f").c_str(), 0700)), EEXIST);
  EXPECT_EQ(error_of(::open(mine("f").c_str(), O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0600)), EEXIST);
  EXPECT_EQ(error_of(::mkdir(mine(std::string(256, 'x')).c_str(), 0700)), ENAMETOOLONG);
  unmount();
  EXPECT_EQ(read("f"), "old");
}

INSTANTIATE_TEST_SUITE_P(, Tagged, testing::Values("xfs"), name_of_each);

class CrashTagged : public Tagged {
 protected:
  Finished die_before(int step) {
    const auto in = "d" + std::to_string(step);
    share(in + "/f");
    set_project_id(open_host(mine(in), O_RDONLY).get(), xid);
    auto finished = run_until({step, 0, {}}, {"vcow", "mount", mine("")});
    if (finished.status == 0) in_guest("cd " + in + " && mkdir d && echo > new && ln -s x s && echo more >> f");
    if (finished.status != 0 || daemon_of(mine("")) == 0) finished.status = killed;
    ::umount2(mine("").c_str(), MNT_DETACH);
    EXPECT_TRUE(eventually([&] { return daemon_of(mine("")) == 0; }));
    Tagged::mount();
    must(in_guest("mkdir -p " + in + "/d && echo more >> " + in + "/f"));
    unmount();  // and nothing is left in staging
    EXPECT_EQ(mistagged(), "");
    return finished;
  }
};

TEST_P(CrashTagged, BeforeAnyStepOfABirthLeavesNoName) {
  sweep(1, 1, 25, [&](int step) { return die_before(step); });
}

INSTANTIATE_TEST_SUITE_P(, CrashTagged, testing::Values("xfs"), name_of_each);

}  // namespace
}  // namespace vunify::test
