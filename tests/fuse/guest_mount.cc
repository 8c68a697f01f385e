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

void GuestMount::mount(const std::string& program) {
  watch_other();
  const std::string options = GetParam() == std::string("nopassthrough") ? GetParam() : "rw";
  must(run({program, "mount", "-o", options, mine("")}));
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

namespace {

int parent_of(const std::string& process) {
  std::ifstream file("/proc/" + process + "/stat");
  std::string line;
  std::getline(file, line);
  std::istringstream rest(line.substr(line.rfind(')') + 1));
  std::string state;
  int parent = 0;
  rest >> state >> parent;
  return parent;
}

// The supervisor, and its worker.
std::map<int, int> parents_of_daemons(const std::string& root) {
  std::map<int, int> parents;
  for_each_process([&](const std::string& process) {
    std::ifstream file("/proc/" + process + "/cmdline");
    std::stringstream line;
    line << file.rdbuf();
    const auto words = line.str();
    if (words.substr(0, words.find('\0')).ends_with("vcow") && words.find(root) != std::string::npos)
      parents[std::stoi(process)] = parent_of(process);
  });
  return parents;
}

}  // namespace

int daemon_of(const std::string& root) {
  const auto parents = parents_of_daemons(root);
  for (const auto& [process, parent] : parents)
    if (!parents.contains(parent)) return process;
  return 0;
}

int worker_of(const std::string& root) {
  const auto parents = parents_of_daemons(root);
  for (const auto& [process, parent] : parents)
    if (parents.contains(parent)) return process;
  return 0;
}

}  // namespace vunify::test
