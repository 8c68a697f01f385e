// SPDX-License-Identifier: Apache-2.0
// The ledger cannot be written to, or is not what it was: who is served goes on with what is held, and what he frees is
// kept in mind; beyond it there is ENOSPC, and one line says why.
#include <sys/ioctl.h>
#include <unistd.h>

#include <algorithm>
#include <filesystem>

#include "tests/fuse/limited_guest.h"

namespace vunify::test {
namespace {

constexpr unsigned many = 1000;
constexpr std::uint64_t much = 5000 * block;  // more than is granted in advance

class LedgerFaults : public LimitedOn {
 protected:
  void SetUp() override {
    LimitedOn::SetUp();
    if (IsSkipped()) return;
    own_.emplace("ext4", 32);
    state_dir_ = *own_ / "state";
    std::filesystem::create_directory(state_dir_);
    limited_mount({2 * much, no_limit});
    ASSERT_EQ(write("held", 10 * block), 0);
  }
  void TearDown() override {
    LimitedOn::TearDown();
    own_.reset();
  }
  // Each has records of his own: the ledger has to grow.
  void give_away_to_many() const {
    for (unsigned id = 1; id < many; ++id) check(::chown(mine(std::to_string(id)).c_str(), id, id), "chown");
  }
  void expect_goes_on_with_what_is_held() const {
    EXPECT_EQ(write("much", much), ENOSPC);
    EXPECT_EQ(write("more", block), ENOSPC);
    EXPECT_EQ(::unlink(mine("much").c_str()), 0);
    EXPECT_EQ(write("held", 10 * block, 0), 0) << "in place";
    EXPECT_EQ(dir_->read("guest/f"), std::string(10 * block, 'o'));
  }
  std::size_t lines_told() const {
    const auto text = state_.read("log");
    return static_cast<std::size_t>(std::ranges::count(text, '\n'));
  }
  std::optional<LoopFs> own_;
};

TEST_P(LedgerFaults, OfAFullDiskEndWithIt) {
  for (unsigned id = 1; id < many; ++id) ASSERT_EQ(write(std::to_string(id), 0), 0);
  const auto filler = *own_ / "fill";
  EXPECT_NE(shell("cat /dev/zero > " + filler).status, 0);
  give_away_to_many();
  expect_goes_on_with_what_is_held();
  EXPECT_EQ(lines_told(), 1u) << state_.read("log");
  EXPECT_EQ(::unlink(filler.c_str()), 0);
  EXPECT_TRUE(eventually([&] { return write("much", much) == 0; }));
  expect_exact();
}

// As where an error has made it read-only (errors=remount-ro).
TEST_P(LedgerFaults, OfADiskThatIsWrittenToNoMoreStopNobody) {
  std::uint32_t with_nothing_more_written = 2;
  const Fd root = open_host(own_->root(), O_RDONLY);
  check(::ioctl(root.get(), _IOR('X', 125, std::uint32_t), &with_nothing_more_written), "EXT4_IOC_SHUTDOWN");
  expect_goes_on_with_what_is_held();
  EXPECT_EQ(lines_told(), 1u) << state_.read("log");
  EXPECT_TRUE(eventually([&] { return run({"umount", mine("")}).status == 0; }));
  is_mounted_ = false;
  const auto is_ours = [&](const Mounted& one) { return one.mount_point == *dir_ / "guest"; };
  EXPECT_TRUE(eventually([&] { return std::ranges::none_of(list_mounted(), is_ours); }));
}

TEST_P(LedgerFaults, OfAFileThatIsCutShortStopNobody) {
  std::filesystem::resize_file(state_dir_ + "/ledger", 4096);
  expect_goes_on_with_what_is_held();
  EXPECT_EQ(lines_told(), 1u) << state_.read("log");
  const auto told = run({"vdlimit", "--all", "--state", state_dir_, "--config", state_dir_ + "/none"});
  EXPECT_EQ(told.status, 5);
  EXPECT_EQ(std::ranges::count(told.err, '\n'), 1) << told.err;
  unmount();
  EXPECT_EQ(run({"vcow", "mount", "--xid", "42", "--state", state_dir_, mine("")}).status, 5);
}

INSTANTIATE_TEST_SUITE_P(Ext4, LedgerFaults, testing::Values("ext4"), name_of_each);

}  // namespace
}  // namespace vunify::test
