// SPDX-License-Identifier: Apache-2.0
#include "tests/fuse/guest_mount.h"

#include <sys/mount.h>

#include <fstream>
#include <sstream>

#include "sys/mark.h"
#include "sys/processes.h"
#include "tests/eventually.h"

namespace vunify::test {

std::map<std::string, std::unique_ptr<LoopFs>> GuestMount::filesystems_;

LoopFs& GuestMount::filesystem() {
  const std::string how = GetParam();
  kind_ = how == "xfs" || how == "btrfs" ? how : "ext4";
  auto& filesystem = filesystems_[kind_];
  if (!filesystem) filesystem = std::make_unique<LoopFs>(kind_, 320, "", kind_ == "ext4" ? "-O ea_inode" : "");
  return *filesystem;
}

void GuestMount::SetUp() {
  RootTestOn::SetUp();
  if (IsSkipped()) return;
  const auto& fs = filesystem();
  if (!fs.ok()) GTEST_SKIP() << fs.reason();
  dir_.emplace(Scratch::Files{}, fs.root());
  dir_->make_directory("guest");
  dir_->make_directory("other");
}

void GuestMount::TearDown() {
  if (!dir_) return;
  if (is_mounted_) unmount();
  EXPECT_EQ(image_of(*dir_ / "other"), before_) << "the other guest noticed";
  dir_.reset();
}

void GuestMount::share(const std::string& path, const std::string& content) const {
  dir_->write("other/" + path, content);
  const Fd file = open_host(others(path), O_RDONLY);
  set_mark(file.get(), {fs_id(file.get()), stat_fd(file.get()).ino});
  dir_->make_directory("guest/" + path.substr(0, path.find('/') == std::string::npos ? 0 : path.rfind('/')));
  check(::link(others(path).c_str(), mine(path).c_str()), "link", path);
}

void GuestMount::watch_other() { before_ = image_of(*dir_ / "other"); }

void GuestMount::mount() {
  watch_other();
  const std::string options = GetParam() == std::string("nopassthrough") ? GetParam() : "rw";
  must(run({"vcow", "mount", "-o", options, mine("")}));
  is_mounted_ = true;
}

void GuestMount::unmount() {
  EXPECT_TRUE(eventually([&] { return ::umount2(mine("").c_str(), 0) == 0; }));
  expect_ended();
}

void GuestMount::detach() { check(::umount2(mine("").c_str(), MNT_DETACH), "umount2"); }

// Its directory in staging goes when it ends, if nothing lies in it.
void GuestMount::expect_ended() {
  EXPECT_TRUE(eventually([&] { return !dir_->exists(".vcow-breaks"); })) << "something was left in staging";
  EXPECT_TRUE(eventually([&] { return daemon_of(mine("")) == 0; }));
  is_mounted_ = false;
}

int daemon_of(const std::string& root) {
  int found = 0;
  for_each_process([&](const std::string& process) {
    std::ifstream file("/proc/" + process + "/cmdline");
    std::stringstream line;
    line << file.rdbuf();
    if (line.str().starts_with("vcow") && line.str().find(root) != std::string::npos) found = std::stoi(process);
  });
  return found;
}

}  // namespace vunify::test
