// SPDX-License-Identifier: Apache-2.0
// Who has a shared file open, mapped or running while its link is broken keeps what he had, meets no error, and can
// not be led by what he holds to change what the others have.
#include <sys/file.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <sys/vfs.h>
#include <sys/xattr.h>

#include <csignal>

#include "tests/eventually.h"
#include "tests/fuse/guest_mount.h"

namespace vunify::test {
namespace {

class Readers : public GuestMount {
 protected:
  void break_link(const std::string& path) const { write_all(open_host(mine(path), O_WRONLY).get(), "M", path); }
  // The error of opening what a handle leads to; what could be opened is written to.
  int write_by(file_handle* handle) const {
    const Fd mount = open_host(mine(""), O_RDONLY);
    const Fd file(::open_by_handle_at(mount.get(), handle, O_WRONLY | O_CLOEXEC));
    if (!file) return errno;
    write_all(file.get(), "BAD", "handle");
    return 0;
  }
};

// A handle of the mount, as an NFS server or a backup in the guest takes it.
class Handle {
 public:
  explicit Handle(const std::string& path) {
    handle()->handle_bytes = MAX_HANDLE_SZ;
    int mount = 0;
    check(::name_to_handle_at(AT_FDCWD, path.c_str(), handle(), &mount, 0), "name_to_handle_at", path);
  }
  file_handle* handle() { return reinterpret_cast<file_handle*>(room_); }

 private:
  alignas(file_handle) char room_[sizeof(file_handle) + MAX_HANDLE_SZ] = {};
};

TEST_P(Readers, KeepTheirMaps) {
  const std::string content(10000, 's');
  share("f", content);
  mount();
  void* map = nullptr;
  {
    const Fd file = open_host(mine("f"), O_RDONLY);
    map = ::mmap(nullptr, content.size(), PROT_READ, MAP_PRIVATE, file.get(), 0);
  }
  write_all(open_host(mine("f"), O_WRONLY | O_TRUNC).get(), "new\n", "f");
  EXPECT_EQ(std::string(static_cast<char*>(map), content.size()), content);
  EXPECT_EQ(read("f"), "new\n");
  ::munmap(map, content.size());
}

TEST_P(Readers, KeepThePrograms) {
  share("sleep", "");
  must(shell("cp /bin/sleep " + others("sleep") + " && chmod 755 " + others("sleep")));
  mount();
  must(shell(mine("sleep") + " 60 & pid=$!; until [ /proc/$pid/exe -ef " + mine("sleep") +
             " ]; do :; done; chmod 700 " + mine("sleep") + " && kill -0 $pid && " + mine("sleep") +
             " 0 && kill $pid"));
  EXPECT_FALSE(is_shared("sleep"));
}

TEST_P(Readers, LeaveNothingBehind) {
  share("f", "shared\n");
  mount();
  {
    const Fd reader = open_host(mine("f"), O_RDONLY);
    break_link("f");
    EXPECT_EQ(read_all(reader.get(), "f"), "shared\n");
  }
  for (int i = 0; i < 3; ++i) EXPECT_EQ(read("f"), "Mhared\n");
  break_link("f");
  EXPECT_EQ(stat_fd(open_host(mine("f"), O_RDONLY).get()).nlink, 1u);
}

TEST_P(Readers, ChangeTheNewFileThroughTheOld) {
  share("f");
  mount();
  const Fd reader = open_host(mine("f"), O_RDONLY);
  break_link("f");
  check(::fchmod(reader.get(), 0600), "fchmod");
  check(::fchown(reader.get(), 5, 6), "fchown");
  check(::fsetxattr(reader.get(), "user.a", "b", 1, 0), "fsetxattr");
  const timespec times[2] = {{1, 0}, {2, 0}};
  check(::futimens(reader.get(), times), "futimens");
  const auto inode = dir().inode("guest/f");
  EXPECT_EQ(inode.mode & 07777, 0600u);
  EXPECT_EQ(inode.uid, 5u);
  EXPECT_EQ(inode.stamp.mtime.sec, 2);
  EXPECT_EQ(::getxattr(mine("f").c_str(), "user.a", nullptr, 0), 1);
}

TEST_P(Readers, BreakTheLinkByWhatTheySetThemselves) {
  for (const auto* name : {"chown", "times", "xattr", "removed"}) share(name);
  mount();
  const timespec times[2] = {{1, 0}, {2, 0}};
  check(::fchown(open_host(mine("chown"), O_RDONLY).get(), 5, 6), "fchown");
  check(::futimens(open_host(mine("times"), O_RDONLY).get(), times), "futimens");
  check(::fsetxattr(open_host(mine("xattr"), O_RDONLY).get(), "user.a", "b", 1, 0), "fsetxattr");
  const Fd removed = open_host(mine("removed"), O_RDONLY);
  check(::unlink(mine("removed").c_str()), "unlink");
  check(::fsetxattr(removed.get(), "user.a", "b", 1, 0), "fsetxattr");
  check(::futimens(removed.get(), times), "futimens");
  for (const auto* name : {"chown", "times", "xattr"}) EXPECT_FALSE(is_shared(name)) << name;
}

// Were they told the size of the new file, the kernel would fill the old one with zeros up to it.
TEST_P(Readers, SeeNothingThatNobodyWrote) {
  for (const auto* name : {"fstat", "stat", "read"}) share(name, "shared\n");
  mount();
  for (const auto* name : {"fstat", "stat", "read"}) {
    const Fd reader = open_host(mine(name), O_RDONLY);
    read(name);
    write_all(open_host(mine(name), O_WRONLY | O_APPEND).get(), std::string(5000, 'x'), name);
    const bool asks = name != std::string("read");
    if (asks) stat_fd(name == std::string("fstat") ? reader.get() : open_host(mine(name), O_PATH).get());
    EXPECT_EQ(stat_fd(reader.get()).stamp.size, 7u);
    EXPECT_EQ(read_all(reader.get(), name), "shared\n") << name;
  }
}

TEST_P(Readers, HinderNoTruncationByName) {
  share("f", "shared\n");
  mount();
  const Fd reader = open_host(mine("f"), O_RDONLY);
  check(::truncate(mine("f").c_str(), 2), "truncate");
  EXPECT_EQ(dir().inode("guest/f").stamp.size, 2u);
  check(::truncate(mine("f").c_str(), 3), "truncate");
  EXPECT_EQ(read("f"), std::string("sh\0", 3));
  EXPECT_EQ(read_all(reader.get(), "f"), "shared\n");
}

// What the kernel reads by itself it reads on.
TEST_P(Readers, OutliveTheDaemonWithPassthrough) {
  share("f", "shared\n");
  mount();
  const Fd reader = open_host(mine("f"), O_RDONLY);
  check(::kill(daemon_of(mine("")), SIGKILL), "kill");
  struct statfs fs {};
  EXPECT_TRUE(eventually([&] { return ::statfs(mine("f").c_str(), &fs) != 0 && errno == ENOTCONN; }));
  char text[8];
  const bool by_kernel = GetParam() != std::string("nopassthrough");
  EXPECT_EQ(::pread(reader.get(), text, sizeof text, 0), by_kernel ? 7 : -1);
  mount();
}

// docs/differences.md: a lock of the old file is none of the new one's; it hinders no break.
TEST_P(Readers, WithLocksHinderNobody) {
  share("f");
  mount();
  const Fd reader = open_host(mine("f"), O_RDONLY);
  check(::flock(reader.get(), LOCK_EX), "flock");
  break_link("f");
  EXPECT_EQ(error_of(::flock(reader.get(), LOCK_UN)), 0);
  EXPECT_EQ(error_of(::flock(open_host(mine("f"), O_RDWR).get(), LOCK_EX | LOCK_NB)), 0);
}

TEST_P(Readers, OfARemovedNameDoNotWriteByItsHandle) {
  share("f");
  mount();
  Handle handle(mine("f"));
  const Fd reader = open_host(mine("f"), O_RDONLY);
  check(::unlink(mine("f").c_str()), "unlink");
  EXPECT_EQ(write_by(handle.handle()), ESTALE);
}

TEST_P(Readers, OfABrokenLinkDoNotWriteByItsHandle) {
  share("f", "shared\n");
  mount();
  Handle handle(mine("f"));
  {
    const Fd reader = open_host(mine("f"), O_RDONLY);
    break_link("f");
    EXPECT_EQ(write_by(handle.handle()), ESTALE);
  }
  const int later = write_by(handle.handle());
  EXPECT_TRUE(later == 0 || later == ESTALE) << later;
  EXPECT_EQ(read("f"), later == 0 ? "BADred\n" : "Mhared\n");
}

// The filesystem gives a removed file's number to the next one.
TEST_P(Readers, OfARemovedFileMeetNoOtherByItsHandle) {
  mount();
  for (int i = 0; i < 200; ++i) {
    write("f", "old\n");
    Handle handle(mine("f"));
    const Fd reader = i % 2 == 0 ? open_host(mine("f"), O_RDONLY) : Fd();
    check(::unlink(mine("f").c_str()), "unlink");
    write("f", "new\n");
    write_by(handle.handle());
    ASSERT_EQ(read("f"), "new\n");
    check(::unlink(mine("f").c_str()), "unlink");
  }
}

TEST_P(Readers, WhoseNameIsTakenByAnotherFileDoNotWrite) {
  share("f");
  share("over", "over\n");
  mount();
  const Fd reader = open_host(mine("f"), O_RDONLY);
  check(::rename(mine("over").c_str(), mine("f").c_str()), "rename");
  EXPECT_EQ(error_of(::open(proc_path(reader.get()).c_str(), O_WRONLY | O_CLOEXEC)), ESTALE);
  check(::fchmod(reader.get(), 0600), "fchmod");
  EXPECT_EQ(read("f"), "over\n");
  EXPECT_TRUE(is_shared("over"));
}

INSTANTIATE_TEST_SUITE_P(BothWays, Readers, everywhere, name_of_each);

}  // namespace
}  // namespace vunify::test
