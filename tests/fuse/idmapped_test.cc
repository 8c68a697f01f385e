// SPDX-License-Identifier: Apache-2.0
// A guest's mount of vcow mounted once more with its owners shifted (mount_setattr(2), MOUNT_ATTR_IDMAP), as container
// managers do it for a guest with a user namespace.
#include <sys/mount.h>

#include <csignal>
#include <filesystem>
#include <fstream>
#include <tuple>

#include "sys/mount_tree.h"
#include "tests/eventually.h"
#include "tests/fuse/guest_mount.h"

namespace vunify::test {
namespace {

constexpr int shift = 100000;

// A user namespace in which 0 is that outside. It lives as long as the descriptor.
Fd shifted_users() {
  const auto process = shell("unshare --user sleep 1000 >/dev/null 2>&1 & echo $!").out;
  const auto proc = "/proc/" + process.substr(0, process.find('\n'));
  const auto users_of = [](const std::string& of) { return std::filesystem::read_symlink(of + "/ns/user"); };
  EXPECT_TRUE(eventually([&] { return users_of(proc) != users_of("/proc/self"); }));
  for (const auto* map : {"/uid_map", "/gid_map"}) std::ofstream(proc + map) << "0 " << shift << " 65536";
  Fd users = open_host(proc + "/ns/user", O_RDONLY);
  ::kill(std::stoi(process), SIGKILL);
  return users;
}

class Idmapped : public GuestMount {
 protected:
  void mount_shifted() {
    mount();
    users_ = shifted_users();
    const Fd tree = clone_tree(open_host(mine(""), O_PATH).get(), 0);
    mount_attr attributes{};
    attributes.attr_set = MOUNT_ATTR_IDMAP;
    attributes.userns_fd = static_cast<std::uint64_t>(users_.get());
    check(::mount_setattr(tree.get(), "", AT_EMPTY_PATH, &attributes, sizeof attributes), "mount_setattr");
    dir().make_directory("shifted");
    place_tree(tree.get(), open_host(dir() / "shifted", O_PATH).get());
  }
  void TearDown() override {
    ::umount2((dir() / "shifted").c_str(), MNT_DETACH);
    GuestMount::TearDown();
  }
  // The root of the guest, as the host knows him.
  Finished as_guests_root(const std::string& script) const {
    return shell("cd " + dir() / "shifted" + " && setpriv --reuid=100000 --regid=100000 --clear-groups sh -c '" +
                 script + "'");
  }
  // Its programs are this machine's.
  void furnish() const {
    dir().make_directory("guest/usr");
    for (const auto* merged : {"bin", "lib", "lib64"})
      std::filesystem::create_symlink("usr/" + std::string(merged), mine(merged));
  }
  // As a container manager does it: mounts, users and a root of its own.
  std::string in_container(const std::string& script) const {
    const auto users = "/proc/" + std::to_string(::getpid()) + "/fd/" + std::to_string(users_.get());
    const auto finished = shell("cd " + dir() / "shifted" +
                                " && unshare --mount sh -ec 'mount --bind /usr usr && exec nsenter --user=" + users +
                                " chroot . sh -ec \"" + script + "\"'");
    must(finished);
    return finished.out;
  }

 private:
  Fd users_;
};

TEST_P(Idmapped, OwnersAreShiftedBothWays) {
  share("f", "shared\n");
  mount_shifted();
  EXPECT_EQ(dir().inode("shifted/f").uid, shift);
  must(as_guests_root("echo more >>f; touch g; mkdir d; ln -s f l"));
  check(::chown((dir() / "shifted/g").c_str(), shift + 5, shift + 5), "chown");
  EXPECT_EQ(read("f"), "shared\nmore\n");
  EXPECT_FALSE(is_shared("f"));
  EXPECT_EQ(dir().inode("guest/f").uid, 0u);
  EXPECT_EQ(dir().inode("guest/g").uid, 5u);
  for (const auto* made : {"guest/d", "guest/l"}) EXPECT_EQ(dir().inode(made).uid, 0u) << made;
}

TEST_P(Idmapped, WhoIsNotInItMakesNothing) {
  mount_shifted();
  EXPECT_EQ(error_of(::mkdir((dir() / "shifted/d").c_str(), 0755)), EOVERFLOW);
  EXPECT_TRUE(dir().names("guest").empty());
}

TEST_P(Idmapped, AContainerReadsInItAndBreaksNothing) {
  furnish();
  for (const auto* file : {"read", "chowned", "moved"}) share(file);
  mount_shifted();
  EXPECT_EQ(in_container("cat read; stat -c %u:%g read; chown 0:0 chowned; chmod 644 chowned; mv moved elsewhere"),
            "shared\n0:0\n");
  for (const auto* file : {"read", "chowned", "moved"}) EXPECT_TRUE(is_shared(file)) << file;
}

TEST_P(Idmapped, WhatAContainerMakesHasTheOwnersThatItGave) {
  furnish();
  share("f");
  mount_shifted();
  in_container("echo more >>f; touch made; chown 33:34 made; chmod 4755 made; ! mknod device c 1 3 2>/dev/null");
  EXPECT_EQ(read("f"), "shared\nmore\n");
  EXPECT_FALSE(is_shared("f"));
  EXPECT_EQ(dir().inode("guest/f").uid, 0u);
  const auto made = dir().inode("guest/made");
  EXPECT_EQ(std::tuple(made.uid, made.gid, made.mode & 07777), std::tuple(33u, 34u, 04755u));
}

INSTANTIATE_TEST_SUITE_P(BothWays, Idmapped, both_ways, name_of_each);

}  // namespace
}  // namespace vunify::test
