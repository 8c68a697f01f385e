// SPDX-License-Identifier: Apache-2.0
#include "host/kept_lines.h"

#include <gmock/gmock.h>
#include <sys/resource.h>

#include <csignal>
#include <filesystem>

#include "tests/scratch.h"

namespace vunify::test {
namespace {

using testing::ElementsAre;
using testing::IsEmpty;

class KeptLines : public testing::Test {
 protected:
  std::vector<std::string> kept() const { return kept_lines(dir / "state/list", "do this"); }
  std::string text() const { return dir.read("state/list"); }
  bool is_damaged(const std::string& text) const {
    dir.write("state/list", text);
    try {
      kept();
      return false;
    } catch (const std::runtime_error& error) {
      return error.what() == dir / "state/list" + " is damaged: do this";
    }
  }

  const Scratch dir;
  const StateDir state{dir / "state"};
};

TEST_F(KeptLines, AreReadAgain) {
  EXPECT_THAT(kept(), IsEmpty());
  keep_lines(state, "list", {"one", "", "three 3"});
  EXPECT_THAT(kept(), ElementsAre("one", "", "three 3"));
  keep_lines(state, "list", {});
  EXPECT_THAT(kept(), IsEmpty());
  EXPECT_EQ(dir.names("state"), (std::vector<std::string>{"list", "lock"}));
}

TEST_F(KeptLines, AreNotBelievedWhereAByteIsAnotherOne) {
  keep_lines(state, "list", {"40000 a", "40001 b"});
  const auto good = text();
  for (std::size_t at = 0; at < good.size(); ++at) {
    auto bad = good;
    bad[at] ^= 1;
    EXPECT_TRUE(is_damaged(bad)) << at;
  }
}

TEST_F(KeptLines, AreNotBelievedWhereSomeAreMissing) {
  keep_lines(state, "list", {"40000 a", "40001 b"});
  const auto good = text();
  for (std::size_t size = 0; size < good.size(); ++size) EXPECT_TRUE(is_damaged(good.substr(0, size))) << size;
  EXPECT_TRUE(is_damaged(good.substr(good.find('\n') + 1)));
  EXPECT_TRUE(is_damaged(good + "x"));
}

// As a full disk does: a limit on a file's size fails the write half way.
TEST_F(KeptLines, StayWhereTheNewOnesCannotBeWritten) {
  keep_lines(state, "list", {"old"});
  std::signal(SIGXFSZ, SIG_IGN);
  rlimit before{};
  ::getrlimit(RLIMIT_FSIZE, &before);
  const rlimit small{10, before.rlim_max};
  ::setrlimit(RLIMIT_FSIZE, &small);
  EXPECT_THROW(keep_lines(state, "list", {"new, and longer than ten bytes"}), std::system_error);
  ::setrlimit(RLIMIT_FSIZE, &before);
  EXPECT_THAT(kept(), ElementsAre("old"));
  keep_lines(state, "list", {"new"});
  EXPECT_THAT(kept(), ElementsAre("new"));
}

// Killed there, the next one writes over it.
TEST_F(KeptLines, DoNotMindWhatAKilledRunLeft) {
  keep_lines(state, "list", {"old"});
  dir.write("state/list.new", "ha");
  EXPECT_THAT(kept(), ElementsAre("old"));
  keep_lines(state, "list", {"n"});
  EXPECT_THAT(kept(), ElementsAre("n"));
}

TEST(Words, HoldAnyName) {
  for (const std::string name : {"web", "a b", "a\nb", "100%", "%41", "\xff\x01", "straße", "%"}) {
    EXPECT_EQ(from_word(to_word(name)), name);
    EXPECT_EQ(to_word(name).find_first_of(" \n"), std::string::npos);
  }
}

}  // namespace
}  // namespace vunify::test
