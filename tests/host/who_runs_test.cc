// SPDX-License-Identifier: Apache-2.0
#include "host/who_runs.h"

#include <future>
#include <optional>

#include "tests/eventually.h"
#include "tests/host/host_test.h"
#include "tests/mounts_elsewhere.h"
#include "tests/silent_fuse.h"

namespace vunify::test {
namespace {

using testing::ElementsAre;

class WhoRuns : public HostTest {
 protected:
  bool runs(const std::string& name) const { return who_runs({dir / ("vm/" + name)}).front(); }
};

TEST_F(WhoRuns, AGuestInWhichAProcessHasItsRoot) {
  const auto web = add_root("web"), db = add_root("db");
  {
    const MountsElsewhere guest("true", web);
    EXPECT_THAT(who_runs({db, web, dir / "vm/gone", web + "/"}), ElementsAre(false, true, false, true));
  }
  EXPECT_THAT(who_runs({db, web}), ElementsAre(false, false));
}

// As nspawn and LXC do it.
TEST_F(WhoRuns, AGuestWhoseRootIsTheTopOfAnotherNamespace) {
  add_root("web");
  dir.make_directory("vm/web/old");
  const auto pivot = "mount --bind " + dir / "vm/web" + " /mnt && cd /mnt && pivot_root . old";
  const MountsElsewhere guest(pivot);
  EXPECT_TRUE(runs("web"));
}

TEST_F(WhoRuns, ASessionWithoutAProcess) {
  add_root("web");
  add_root("session");
  shell_or_fail("mount --bind " + dir / "vm/web" + " " + dir / "vm/session");
  const bool is_seen = runs("web");
  shell_or_fail("umount " + dir / "vm/session");
  EXPECT_TRUE(is_seen);
  // A namespace that another test made meanwhile has that mount still, as long as it lives.
  EXPECT_TRUE(eventually([&] { return !runs("web"); }));
}

TEST_F(WhoRuns, AGuestThatIsMountedElsewhereInAnotherNamespace) {
  add_root("web");
  const MountsElsewhere other("mount --bind " + dir / "vm/web" + " /mnt");
  EXPECT_TRUE(runs("web"));
}

TEST_F(WhoRuns, NobodyBecauseOfACopyOfOurMounts) {
  add_root("web");
  shell_or_fail("mount -t tmpfs none " + dir / "vm/web");
  bool is_seen = true;
  {
    const MountsElsewhere service("true");
    is_seen = runs("web");
  }
  shell_or_fail("umount " + dir / "vm/web");
  EXPECT_FALSE(is_seen);
}

TEST_F(WhoRuns, NobodyBecauseOfAProcessThatOnlyWorksThereOrBeneath) {
  add_root("web");
  dir.make_directory("vm/web/srv");
  const MountsElsewhere beneath("true", dir / "vm/web/srv");
  EXPECT_FALSE(runs("web"));
}

TEST_F(WhoRuns, AGuestThatMountedWhatNeverAnswers) {
  add_root("web");
  std::optional<SilentFuse> silent(add_root("silent"));
  const MountsElsewhere guest("true", dir / "vm/silent");
  auto told = std::async(std::launch::async, [&] { return who_runs({dir / "vm/silent", dir / "vm/web"}); });
  const bool in_time = told.wait_for(std::chrono::seconds(20)) == std::future_status::ready;
  silent.reset();
  EXPECT_TRUE(in_time);
  EXPECT_THAT(told.get(), ElementsAre(true, false));
}

// Its root has the path of another guest, in a namespace where something else lies there.
TEST_F(WhoRuns, NobodyBecauseAGuestSaysSo) {
  const auto web = add_root("web");
  const MountsElsewhere liar("mount -t tmpfs none " + dir / "vm" + " && mkdir " + web, web);
  EXPECT_FALSE(runs("web"));
}

}  // namespace
}  // namespace vunify::test
