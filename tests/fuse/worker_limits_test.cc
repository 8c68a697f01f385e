// SPDX-License-Identifier: Apache-2.0
// The limit of a guest whose worker is killed.
#include "tests/fuse/limited_guest.h"

namespace vunify::test {
namespace {

class LimitOfAKilledWorker : public LimitedOn {
 protected:
  Mounted told() const {
    for (auto& one : list_mounted())
      if (one.mount_point == *dir_ / "guest") return one;
    return {};
  }
  void kill_worker() const {
    const auto before = told();
    check(::kill(before.worker, SIGKILL), "kill");
    EXPECT_TRUE(eventually([&] { return told().replaced == before.replaced + 1; }));
  }
};

TEST_P(LimitOfAKilledWorker, HoldsForWhatIsOpenAndHasNoName) {
  limited_mount({100 * block, no_limit});
  {
    const Fd gone = open_host(mine("gone"), O_RDWR | O_CREAT);
    write_all(gone.get(), std::string(60 * block, 'g'), "gone");
    check(::unlink(mine("gone").c_str()), "unlink");
    kill_worker();
    EXPECT_EQ(write("more", 60 * block), ENOSPC);
  }
  EXPECT_TRUE(eventually([&] { return write("more", 60 * block) == 0; }));
  expect_exact();
}

INSTANTIATE_TEST_SUITE_P(, LimitOfAKilledWorker, testing::Values("ext4"), name_of_each);

}  // namespace
}  // namespace vunify::test
