// SPDX-License-Identifier: Apache-2.0
// Two guests on a filesystem of their own that share files, one of them mounted with vcow, by the kernel (passthrough)
// and by the daemon alone. Whatever a test does in the mounted one: at its end the other's bytes, owners, modes, times
// and attributes are as they were, and nothing is left in staging.
#pragma once

#include <fcntl.h>
#include <unistd.h>

#include <map>
#include <memory>
#include <optional>
#include <string>

#include "sys/fd.h"
#include "tests/root_test.h"

namespace vunify::test {

class GuestMount : public RootTestOn {
 protected:
  static void TearDownTestSuite() { filesystems_.clear(); }
  void SetUp() override;
  void TearDown() override;

  // A file that both guests have: one inode, marked.
  void share(const std::string& path, const std::string& content = "shared\n") const;
  void watch_other();  // what it shows now it is to show at the end
  void mount(const std::string& program = "vcow");
  void unmount();
  // Lazily: who has files open keeps them, and the daemon.
  void detach();
  // The daemon is gone, and has left nothing.
  void expect_ended();

  std::string mine(const std::string& path) const { return *dir_ / ("guest/" + path); }
  std::string others(const std::string& path) const { return *dir_ / ("other/" + path); }
  std::string read(const std::string& path) const { return dir_->read("guest/" + path); }
  void write(const std::string& path, const std::string& content) const { dir_->write("guest/" + path, content); }
  // The guest's name leads to the shared inode still.
  bool is_shared(const std::string& path) const { return dir_->inode("other/" + path).nlink == 2; }
  const Scratch& dir() const { return *dir_; }
  bool is_on(const std::string& filesystem) const { return kind_ == filesystem; }

  LoopFs& filesystem();

 private:
  static std::map<std::string, std::unique_ptr<LoopFs>> filesystems_;  // by kind, for all tests of a suite
  std::string kind_;
  std::optional<Scratch> dir_;
  std::map<std::string, std::string> before_;
  bool is_mounted_ = false;
};

// The error of a call that returned -1; 0 of one that did not.
inline int error_of(long result) { return result < 0 ? errno : 0; }

// The process that mounted this root and keeps it mounted, and the one of the moment that serves it; 0 for none.
int daemon_of(const std::string& root);
int worker_of(const std::string& root);

// On ext4; and, by the kernel, on those that share data.
inline const auto both_ways = testing::Values("passthrough", "nopassthrough");
inline const auto everywhere = testing::Values("passthrough", "nopassthrough", "xfs", "btrfs");

}  // namespace vunify::test
