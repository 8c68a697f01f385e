// SPDX-License-Identifier: Apache-2.0
// A guest with a limit, on a filesystem of its own kind, that shares one file of ten blocks with another.
#pragma once

#include <fcntl.h>
#include <signal.h>
#include <sys/stat.h>

#include <map>
#include <memory>
#include <optional>

#include "account/count_tree.h"
#include "account/ledger.h"
#include "guest/mounted.h"
#include "sys/lock_file.h"
#include "sys/mark.h"
#include "tests/eventually.h"
#include "tests/root_test.h"

namespace vunify::test {

inline constexpr std::uint32_t xid = 42;
inline constexpr std::uint64_t block = 4096;

class LimitedOn : public RootTestOn {
 protected:
  static void TearDownTestSuite() { filesystems_.clear(); }
  void SetUp() override {
    RootTestOn::SetUp();
    if (IsSkipped()) return;
    auto& fs = filesystems_[GetParam()];
    if (!fs) fs = std::make_unique<LoopFs>(GetParam(), std::string(GetParam()) == "ext4" ? 64 : 320);
    if (!fs->ok()) GTEST_SKIP() << fs->reason();
    dir_.emplace(Scratch::Files{{"other/f", std::string(10 * block, 'o')}}, fs->root());
    dir_->make_directory("guest");
    key_ = account_of(open_host(mine(""), O_RDONLY).get(), xid);
    share("f");
  }
  void TearDown() override {
    if (is_mounted_) unmount();
    dir_.reset();
  }

  void share(const std::string& path) const {
    const Fd file = open_host(*dir_ / ("other/" + path), O_RDONLY);
    set_mark(file.get(), {fs_id(file.get()), stat_fd(file.get()).ino});
    check(::link((*dir_ / ("other/" + path)).c_str(), mine(path).c_str()), "link", path);
  }
  // So much more than what the guest has now.
  void limit(const Amount& more, std::uint8_t reserved = 0) {
    auto total = counted();
    total.space = more.space == no_limit ? no_limit : total.space + more.space;
    total.inodes = more.inodes == no_limit ? no_limit : total.inodes + more.inodes;
    const Ledger ledger(state_dir_, lmdb::Access::write);
    auto change = ledger.change();
    change.put(key_.of, {total, reserved, count_, 1});
    change.commit();
  }
  void limit(Whose whose, const Amount& more) const {
    auto total = uses().by[whose];
    total.space = more.space == no_limit ? no_limit : total.space + more.space;
    total.inodes = more.inodes == no_limit ? no_limit : total.inodes + more.inodes;
    const Ledger ledger(state_dir_, lmdb::Access::write);
    auto change = ledger.change();
    if (!change.limit(key_.of)) change.put(key_.of, Limit{});
    change.put(key_.of, whose, total);
    change.commit();
  }
  void mount(const std::string& where = {}) {
    must(run({"vcow", "mount", "--xid", "42", "--state", state_dir_, "--config", state_dir_ + "/none", "--log", log_,
              where.empty() ? mine("") : where}));
    is_mounted_ = true;
  }
  void limited_mount(const Amount& more, std::uint8_t reserved = 0) { limit(more, reserved), mount(); }
  void unmount() {
    // Who lists all mounts at this moment is in this one (vcow list, in a test beside).
    EXPECT_TRUE(eventually([&] { return run({"umount", mine("")}).status == 0; }));
    expect_daemon_gone();
    is_mounted_ = false;
  }
  void expect_daemon_gone() const {
    EXPECT_TRUE(eventually([&] { return !LockFile::is_taken(lock_path(state_dir_, key_)); }));
  }
  void signal_daemon(int signal, const std::string& where) const {
    for (const auto& one : list_mounted())
      if (one.mount_point == where) ::kill(signal == SIGKILL ? one.process : one.worker, signal);
  }
  void kill_daemon() const {
    signal_daemon(SIGKILL, *dir_ / "guest");
    expect_daemon_gone();
  }
  Account account() const { return Ledger(state_dir_, lmdb::Access::read).read().account(key_).value_or(Account{}); }
  Uses uses() const { return count_tree(RootDir(mine("")), count_, {}); }
  Amount counted() const { return uses().all; }
  std::map<Whose, Amount> kept_of_users() const {
    std::map<Whose, Amount> kept;
    for (const auto& [at, is] : Ledger(state_dir_, lmdb::Access::read).read().user_accounts(key_.of))
      if (at.ino == key_.ino && is.used != Amount{}) kept[at.whose] = is.used;
    return kept;
  }
  // What is kept of it is what a walk finds.
  void expect_exact() {
    unmount();
    const auto is = account();
    EXPECT_EQ(is.used, counted()) << is.used.space << " " << counted().space << ", inodes " << is.used.inodes;
    EXPECT_TRUE(is.is_settled());
    EXPECT_EQ(is.underflows, 0u);
    EXPECT_EQ(kept_of_users(), uses().by) << "of each user and group, too";
  }

  std::string mine(const std::string& path) const { return *dir_ / ("guest/" + path); }
  // The error, 0 where it went well; a file is left with what fit.
  int write(const std::string& path, std::uint64_t bytes, int flags = O_CREAT | O_TRUNC) const {
    const int file = ::open(mine(path).c_str(), O_WRONLY | O_CLOEXEC | flags, 0644);
    if (file < 0) return errno;
    const Fd closes(file);
    const std::string text(block, 'x');
    for (; bytes > 0; bytes -= std::min(bytes, block))
      if (::write(file, text.data(), std::min(bytes, block)) < 0) return errno;
    return 0;
  }

  inline static std::map<std::string, std::unique_ptr<LoopFs>> filesystems_;  // by kind, for all tests of a suite
  std::optional<Scratch> dir_;
  const Scratch state_;
  std::string state_dir_ = state_.root();
  Count count_ = Count::exclusive;
  AccountKey key_;
  const std::string log_ = state_ / "log";
  bool is_mounted_ = false;
};

}  // namespace vunify::test
