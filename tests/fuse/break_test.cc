// SPDX-License-Identifier: Apache-2.0
// The rule, trigger by trigger: what changes an inode breaks its link first, what changes nothing does not.
#include <sys/ioctl.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <sys/xattr.h>

#include "sys/inode_attr.h"
#include "tests/fuse/guest_mount.h"

namespace vunify::test {
namespace {

constexpr auto content = "shared\n";

struct Trigger {
  const char* name;
  void (*change)(const std::string& path);
  const char* after = content;  // what the guest reads then
};

void append(const std::string& path) { write_all(open_host(path, O_WRONLY | O_APPEND).get(), "more\n", path); }
void store(const std::string& path) {
  const Fd file = open_host(path, O_RDWR);
  auto* map = static_cast<char*>(::mmap(nullptr, 4096, PROT_READ | PROT_WRITE, MAP_SHARED, file.get(), 0));
  map[0] = 'S';
  ::munmap(map, 4096);
}
void set_flags(const std::string& path) {
  int flags = FS_NODUMP_FL;
  check(::ioctl(open_host(path, O_RDONLY).get(), FS_IOC_SETFLAGS, &flags), "FS_IOC_SETFLAGS");
}
void copy_into(const std::string& path) {
  const Fd from = open_host(path.substr(0, path.rfind('/')) + "/source", O_RDONLY), to = open_host(path, O_WRONLY);
  check(::copy_file_range(from.get(), nullptr, to.get(), nullptr, 6, 0), "copy_file_range");
}
void set_acl(const std::string& path) { must(run({"setfacl", "-m", "u:7:r", path})); }

const Trigger triggers[] = {
    {"write", append, "shared\nmore\n"},
    {"open_rw", [](const std::string& path) { open_host(path, O_RDWR); }},
    {"open_truncate", [](const std::string& path) { open_host(path, O_WRONLY | O_TRUNC); }, ""},
    {"open_read_truncate", [](const std::string& path) { open_host(path, O_RDONLY | O_TRUNC); }, ""},
    {"truncate", [](const std::string& path) { check(::truncate(path.c_str(), 3), "truncate"); }, "sha"},
    {"mmap", store, "Shared\n"},
    {"chmod", [](const std::string& path) { check(::chmod(path.c_str(), 0600), "chmod"); }},
    {"chown", [](const std::string& path) { check(::chown(path.c_str(), 5, 5), "chown"); }},
    {"utimes", [](const std::string& path) { check(::utimensat(AT_FDCWD, path.c_str(), nullptr, 0), "utimens"); }},
    {"setxattr", [](const std::string& path) { check(::setxattr(path.c_str(), "user.a", "b", 1, 0), "setxattr"); }},
    {"acl", set_acl},
    {"fallocate", [](const std::string& path) { reserve(open_host(path, O_WRONLY).get(), 7, path); }},
    {"copy_file_range", copy_into, "source\n"},
    {"link", [](const std::string& path) { check(::link(path.c_str(), (path + "2").c_str()), "link"); }},
    {"setflags", set_flags},
    {"fchmod_of_reader", [](const std::string& path) { check(::fchmod(open_host(path, O_RDONLY).get(), 0600), ""); }},
};

const Trigger no_changes[] = {
    {"read", [](const std::string& path) { read_all(open_host(path, O_RDONLY).get(), path); }},
    {"chmod", [](const std::string& path) { check(::chmod(path.c_str(), 0644), "chmod"); }},
    {"chown", [](const std::string& path) { check(::chown(path.c_str(), 0, 0), "chown"); }},
    {"utimes",
     [](const std::string& path) {
       struct stat st {};
       check(::stat(path.c_str(), &st), "stat");
       const timespec times[2] = {st.st_atim, st.st_mtim};
       check(::utimensat(AT_FDCWD, path.c_str(), times, 0), "utimens");
     }},
    {"truncate", [](const std::string& path) { check(::truncate(path.c_str(), 7), "truncate"); }},
    {"removexattr",
     [](const std::string& path) { EXPECT_EQ(error_of(::removexattr(path.c_str(), "user.a")), ENODATA); }},
    {"replacexattr",
     [](const std::string& path) {
       EXPECT_EQ(error_of(::setxattr(path.c_str(), "user.a", "b", 1, XATTR_REPLACE)), ENODATA);
     }},
    {"open_path", [](const std::string& path) { open_host(path, O_PATH); }},
};

class Break : public GuestMount {};

TEST_P(Break, FollowsWhatChangesAnInode) {
  for (const auto& trigger : triggers) share(trigger.name, content);
  write("source", "source");
  mount();
  for (const auto& trigger : triggers) {
    SCOPED_TRACE(trigger.name);
    trigger.change(mine(trigger.name));
    EXPECT_EQ(dir().inode(std::string("other/") + trigger.name).nlink, 1u);
    EXPECT_EQ(read(trigger.name), trigger.after);
  }
}

TEST_P(Break, DoesNotFollowWhatChangesNothing) {
  for (const auto& trigger : no_changes) share(trigger.name, content);
  mount();
  for (const auto& trigger : no_changes) {
    SCOPED_TRACE(trigger.name);
    trigger.change(mine(trigger.name));
    EXPECT_TRUE(is_shared(trigger.name));
    EXPECT_EQ(read(trigger.name), content);
  }
}

TEST_P(Break, KeepsEverythingOfTheInode) {
  share("f", content);
  const auto other = others("f");
  check(::chown(other.c_str(), 3, 4), "chown");
  check(::chmod(other.c_str(), 06755), "chmod");
  must(run({"setcap", "cap_net_raw+ep", other}));
  must(run({"setfacl", "-m", "u:7:rwx", other}));
  const std::string value(is_on("btrfs") ? 8000 : 60000, 'x');
  check(::setxattr(other.c_str(), "trusted.big", value.data(), value.size(), 0), "setxattr");
  mount();
  const auto before = image_of(mine(""));
  check(::link(mine("f").c_str(), mine("g").c_str()), "link");
  auto after = image_of(mine(""));
  EXPECT_EQ(after.at("f"), before.at("f"));
  EXPECT_EQ(after.at("g"), before.at("f"));
  EXPECT_FALSE(is_shared("f"));
}

TEST_P(Break, KeepsHoles) {
  share("f");
  resize(open_host(others("f"), O_WRONLY).get(), 64 << 20, "f");
  mount();
  open_host(mine("f"), O_WRONLY);
  EXPECT_FALSE(is_shared("f"));
  struct stat st {};
  check(::stat(mine("f").c_str(), &st), "stat");
  EXPECT_EQ(st.st_size, 64 << 20);
  EXPECT_LE(st.st_blocks, 16);
}

TEST_P(Break, KeepsTheDirectorysTime) {
  share("d/f");
  mount();
  const auto before = dir().inode("guest/d").stamp.mtime;
  append(mine("d/f"));
  EXPECT_EQ(dir().inode("guest/d").stamp.mtime, before);
}

TEST_P(Break, LeavesTheNumberThatTheGuestSaw) {
  share("f");
  mount();
  const auto before = dir().inode("guest/f").ino;
  append(mine("f"));
  EXPECT_EQ(dir().inode("guest/f").ino, before);
}

TEST_P(Break, OfAnImmutableInodeLeavesItImmutable) {
  share("f");
  share("g");
  share("h");
  must(run({"chattr", "+i", others("f"), others("g"), others("h")}));
  mount();
  append(mine("f"));
  check(::unlink(mine("g").c_str()), "unlink");
  check(::rename(mine("h").c_str(), mine("f").c_str()), "rename");
  for (const auto* name : {"f", "g", "h"}) EXPECT_TRUE(dir().inode(std::string("other/") + name).immutable);
  EXPECT_TRUE(is_shared("h"));
}

TEST_P(Break, OfAFileThatIsReadLeavesTheReaderTheOldBytes) {
  share("f", content);
  mount();
  const Fd reader = open_host(mine("f"), O_RDONLY);
  append(mine("f"));
  EXPECT_EQ(read_all(reader.get(), "f"), content);
  EXPECT_EQ(read("f"), "shared\nmore\n");
  EXPECT_EQ(stat_fd(reader.get()).ino, dir().inode("guest/f").ino);
}

TEST_P(Break, IsNoneOfWhatTheGuestLinkedItself) {
  write("a", content);
  check(::link(mine("a").c_str(), mine("b").c_str()), "link");
  mount();
  EXPECT_EQ(dir().inode("guest/a").ino, dir().inode("guest/b").ino);
  append(mine("a"));
  EXPECT_EQ(read("b"), "shared\nmore\n");
  EXPECT_EQ(dir().inode("guest/b").nlink, 2u);
}

INSTANTIATE_TEST_SUITE_P(BothWays, Break, everywhere, name_of_each);

}  // namespace
}  // namespace vunify::test
