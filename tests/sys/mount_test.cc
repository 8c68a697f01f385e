// SPDX-License-Identifier: Apache-2.0
#include "sys/mount.h"

#include <sched.h>
#include <sys/mount.h>
#include <unistd.h>

#include <algorithm>
#include <thread>

#include "sys/statmount.h"
#include "tests/sys/on_filesystem.h"

namespace vunify::test {
namespace {

using Layers = std::vector<std::string>;

TEST(Mount, IsFoundByADescriptor) {
  const LoopFs fs("ext4");
  if (!fs.ok()) GTEST_SKIP() << fs.reason();
  const Fd root = open_host(fs.root(), O_RDONLY);
  EXPECT_EQ(mount_of(root.get()).point, fs.root());
  EXPECT_EQ(mount_of(root.get()).type, "ext4");
  EXPECT_EQ(mount_of(root.get()).dev, stat_fd(root.get()).dev);
}

TEST(Mount, PointsHoldAnyByte) {
  const Scratch dir;
  const std::string odd = "a b\\c\nd";
  dir.make_directory(odd);
  const auto point = "'" + (dir / odd) + "'";
  if (shell("mount -t tmpfs none " + point).status != 0) GTEST_SKIP() << "no mounts here";
  const auto mounts = read_mounts();
  shell("umount " + point);
  EXPECT_EQ(std::ranges::count(mounts, dir / odd, &Mount::point), 1);
}

// Else an overlay of such a source would hide its layers.
TEST(Mount, IsReadWhereItsSourceIsEmpty) {
  const Scratch dir;
  ASSERT_EQ(::mount("", dir.root().c_str(), "tmpfs", 0, "size=4k"), 0);
  const auto mounts = read_mounts();
  ::umount2(dir.root().c_str(), MNT_DETACH);
  const auto mount = std::ranges::find(mounts, dir.root(), &Mount::point);
  ASSERT_NE(mount, mounts.end());
  EXPECT_EQ(mount->source, "");
  EXPECT_EQ(mount->super_options, "rw,size=4k");
}

TEST(Mount, BtrfsNamesItsSuperblock) {
  const LoopFs fs("btrfs");
  if (!fs.ok()) GTEST_SKIP() << fs.reason();
  ASSERT_EQ(shell("btrfs subvolume create " + (fs / "a")).status, 0);
  const Fd root = open_host(fs.root(), O_RDONLY), subvolume = open_host(fs / "a", O_RDONLY);
  EXPECT_EQ(mount_of(root.get()).dev, mount_of(subvolume.get()).dev);
  EXPECT_NE(stat_fd(root.get()).dev, stat_fd(subvolume.get()).dev);
}

class StatmountOn : public OnFilesystem {};

// A thread may have a root of its own (CLONE_FS).
std::optional<Mount> told_in_a_chroot(const std::string& root, int fd) {
  std::optional<Mount> mount;
  std::thread([&] {
    check(::unshare(CLONE_FS), "unshare");
    check(::chroot(root.c_str()), "chroot", root);
    mount = statmount(fd);
  }).join();
  return mount;
}

TEST_P(StatmountOn, TellsInAChrootWhatTheTableTellsOutside) {
  dir().make_directory("root");
  const auto mount = told_in_a_chroot(dir() / "root", directory("root").get());
  if (!mount) GTEST_SKIP() << "no statmount(2) here";
  const auto outside = mount_of(directory().get());
  EXPECT_EQ(mount->point, "");
  EXPECT_EQ(std::tie(mount->id, mount->dev, mount->root, mount->type, mount->source),
            std::tie(outside.id, outside.dev, outside.root, outside.type, outside.source));
}

INSTANTIATE_TEST_SUITE_P(Each, StatmountOn, each_filesystem, filesystem_name);

TEST(Mount, ATableTellsWhereAPathLeads) {
  std::vector<Mount> mounts;
  const auto add = [&](std::uint64_t dev, const char* root, const char* point) {
    mounts.push_back({dev, dev, root, point, {}, {}, {}});
  };
  add(1, "/", "/");
  add(2, "/sub", "/srv");
  add(3, "/", "/srv/b");
  add(4, "/top", "/srv/b");
  const auto located = [&](const std::string& path) {
    const auto where = locate(mounts, path);
    return where ? std::to_string(where->dev) + where->path : "";
  };
  EXPECT_EQ(located("/etc/x"), "1/etc/x");
  EXPECT_EQ(located("/srvx"), "1/srvx");
  EXPECT_EQ(located("/srv"), "2/sub");
  EXPECT_EQ(located("/srv/a"), "2/sub/a");
  EXPECT_EQ(located("/srv/b/c"), "4/top/c");
  EXPECT_EQ(located("/"), "1/");
  EXPECT_EQ(located("work"), "") << "who mounted it knows from where";
}

TEST(Mount, OverlayLayersAreSplitAndUnescaped) {
  Mount mount;
  mount.type = "overlay";
  mount.super_options = "rw,lowerdir=/a:/b\\134:c::/d,upperdir=/u,workdir=/w\\040w,index=off";
  EXPECT_EQ(overlay_layers({mount}), (Layers{"/a", "/b:c", "/d", "/u", "/w w"}));
}

TEST(Mount, LayersOfARealOverlay) {
  const LoopFs fs("ext4");
  if (!fs.ok()) GTEST_SKIP() << fs.reason();
  const auto& at = fs.root();
  const auto made = shell(
      "cd " + at + " && mkdir 'low er' 'l,2' 'l:3' up work merged && mount -t overlay none merged -o 'lowerdir=" + at +
      "/low er:" + at + "/l\\,2:" + at + "/l\\:3,upperdir=" + at + "/up,workdir=" + at + "/work'");
  if (made.status != 0) GTEST_SKIP() << made.err;
  auto layers = overlay_layers(read_mounts());
  shell("umount " + at + "/merged");
  std::erase_if(layers, [&](const std::string& layer) { return layer.find(at) != 0; });
  EXPECT_EQ(layers, (Layers{at + "/low er", at + "/l,2", at + "/l:3", at + "/up", at + "/work"}));
}

}  // namespace
}  // namespace vunify::test
