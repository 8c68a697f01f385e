// SPDX-License-Identifier: Apache-2.0
#include "guest/state_dir.h"

#include <unistd.h>

#include <filesystem>

#include "tests/scratch.h"

namespace vunify::test {
namespace {

int refusal(const std::string& path) {
  try {
    const StateDir state(path);
    return 0;
  } catch (const std::system_error& error) {
    return error.code().value();
  }
}

TEST(StateDir, IsMadeForRootAlone) {
  const Scratch dir;
  const StateDir state(dir / "var/lib/state");
  EXPECT_EQ(dir.inode("var/lib/state").mode & 07777, 0700u);
}

TEST(StateDir, ThatWasOpenToOthersIsClosed) {
  const Scratch dir{{"state/report.json", "{}"}};
  ASSERT_EQ(shell("chmod 2777 " + (dir / "state")).status, 0);
  const StateDir state(dir / "state");
  EXPECT_EQ(dir.inode("state").mode & 07777, 0700u);
}

TEST(StateDir, OfSomebodyElseIsRefused) {
  const Scratch dir;
  dir.make_directory("state");
  ASSERT_EQ(shell("chown 1000 " + (dir / "state")).status, 0);
  EXPECT_EQ(refusal(dir / "state"), EPERM);
}

TEST(StateDir, IsNoSymlink) {
  const Scratch dir;
  dir.make_directory("elsewhere");
  std::filesystem::create_directory_symlink(dir / "elsewhere", dir / "state");
  EXPECT_NE(refusal(dir / "state"), 0);
  EXPECT_TRUE(dir.names("elsewhere").empty());
}

TEST(StateDir, IsLockedByOneRunAtATime) {
  const Scratch dir;
  StateDir second(dir / "state");
  {
    StateDir first(dir / "state");
    EXPECT_TRUE(first.lock());
    EXPECT_FALSE(second.lock());
    EXPECT_EQ(second.holder(), std::to_string(::getpid()));
  }
  EXPECT_TRUE(second.lock());
}

TEST(StateDir, KeepsTheLastReportOnly) {
  const Scratch dir;
  const StateDir state(dir / "state");
  EXPECT_EQ(last_report(dir / "state"), std::nullopt);
  state.keep_report("a long first report");
  state.keep_report("second");
  EXPECT_EQ(last_report(dir / "state"), "second");
  EXPECT_EQ(dir.names("state"), (std::vector<std::string>{"lock", "report.json"}));
}

}  // namespace
}  // namespace vunify::test
