// SPDX-License-Identifier: Apache-2.0
// What tests stand on: scratch directories with real files, filesystems of their own in loop devices, and the programs.
#pragma once

#include <gtest/gtest.h>

#include <cstdint>
#include <functional>
#include <initializer_list>
#include <map>
#include <string>
#include <utility>
#include <vector>

#include "sys/inode.h"
#include "tests/by_flag.h"

namespace vunify::test {

// A directory that goes away with all it holds, immutable files included. Paths are relative to it.
class Scratch {
 public:
  using Files = std::vector<std::pair<std::string, std::string>>;  // path, content

  // Braces only, {{"a", "same"}, {"b", "same"}}: a list of its own, so that no pair is taken for the two ends of a
  // string.
  Scratch(std::initializer_list<std::pair<std::string, std::string>> files) : Scratch(Files(files)) {}
  // where: the directory to be made in; the default is /var/tmp (/tmp may be a tmpfs).
  explicit Scratch(const Files& files = {}, const std::string& where = "/var/tmp");
  ~Scratch();
  Scratch(const Scratch&) = delete;

  std::string operator/(const std::string& path) const { return root_ + "/" + path; }
  const std::string& root() const { return root_; }

  // Makes parents as needed. The mtime is the same for all files (2020-01-01 00:00:00 UTC) so that they may be unified.
  void write(const std::string& path, const std::string& content) const;
  void make_directory(const std::string& path) const;
  std::string read(const std::string& path) const;
  Inode inode(const std::string& path) const;
  bool exists(const std::string& path) const;
  std::vector<std::string> names(const std::string& path = "") const;  // sorted, of one directory, with dot files

 private:
  std::string root_;
};

// A filesystem of its own on a loop device, mounted, unmounted at the end. Skips the test (GTEST_SKIP has to be called
// by the test: check ok()) with a printed reason where this machine cannot.
class LoopFs {
 public:
  // kind: ext4, xfs, btrfs. options go to mount -o.
  explicit LoopFs(const std::string& kind, std::uint64_t megabytes = 320, const std::string& options = "",
                  const std::string& mkfs_options = "");
  ~LoopFs();
  LoopFs(const LoopFs&) = delete;

  bool ok() const { return reason_.empty(); }
  const std::string& reason() const { return reason_; }
  const std::string& root() const { return mount_point_; }
  std::string operator/(const std::string& path) const { return mount_point_ + "/" + path; }
  const std::string& device() const { return image_; }

  // Power cut: FS_IOC_SHUTDOWN without flushing the log, then unmounted and mounted again.
  void power_cut();
  void remount();
  // As a cloned disk is given one. Unmounted meanwhile.
  void change_uuid();
  void shrink();  // ext4: to the smallest size that holds it

 private:
  void change_unmounted(const std::string& command);

  std::string kind_, options_, image_, mount_point_, reason_;
};

// To be mounted again. Waits until it can be unmounted, and until its superblock is gone, too: the kernel takes a
// killed run's view of it away some time after the run is dead, and who mounts the image before that gets the old
// superblock. False where it cannot.
bool unmount_loop(const std::string& point, const std::string& image);

struct Finished {
  int status = 0;  // exit code, or 128 + signal
  std::string out;
  std::string err;
};
// Runs a program found on PATH, or one of ours by its bare name ("vunify", "setattr", "showattr"), and waits.
Finished run(const std::vector<std::string>& command, const std::string& input = {});
// The same through sh -c.
Finished shell(const std::string& script);
// Where it failed: throws std::runtime_error with what it said.
void must(const Finished& finished);
void shell_or_fail(const std::string& script);

// path -> "type mode uid gid size mtime(s) hash-or-target xattrs" for everything beneath dir: what a guest can see
// but inode numbers, ctime and link counts. Two trees are alike when their images are equal.
std::map<std::string, std::string> image_of(const std::string& dir);
// Which names of a tree are one inode: sets of paths, sorted, only those with two names or more in the tree.
std::vector<std::vector<std::string>> link_sets(const std::string& dir);

// What the page cache must still hold of a file that nobody dropped: the kernel takes some dozens of pages back by
// itself, whenever it likes; who forgets a file forgets all of it.
constexpr std::uint64_t most_of(std::uint64_t bytes) { return bytes / 2; }

// Processor time of all programs that were run in it: unlike time itself it is the same on a loaded machine.
double processor_seconds_of(const std::function<void()>& work);

bool is_root();

}  // namespace vunify::test
