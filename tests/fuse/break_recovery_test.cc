// SPDX-License-Identifier: Apache-2.0
// How inodes are reached after the daemon that had them in its hands was killed, and what became of a link that it was
// about to break.
#include <fcntl.h>
#include <gtest/gtest.h>

#include "fuse/cow.h"
#include "tests/fuse/node_table.h"
#include "tests/scratch.h"

namespace vunify::test {
namespace {

class AfterAKill : public testing::Test {
 protected:
  struct stat seen(const char* name) const {
    return stat_at({guest_.get(), name});
  }
  NodeId enter(const char* name, Owner owner) { return table_.nodes->enter(root_node, name, seen(name), owner); }
  // In a descriptor that nobody closes, as in the table of files of the process that follows.
  void hold(NodeId id, const char* name) { table_.nodes->hold(id, hold_at({guest_.get(), name}).give_away()); }
  void next_process() {
    staging_.emplace(guest_.get(), 1, true);
    births_.emplace(staging_->fd(), 0);
    addresses_.emplace(table_.open(), hold_at({guest_.get(), "."}), 16);
    backing_.emplace(*table_.nodes, -1, -1, 16);
    addresses_->take_up();
    Cow(*table_.nodes, *addresses_, *backing_, allowance_, *staging_, *births_).take_up();
  }

  const Scratch dir_{{"f", "what others have, too"}, {"other", "elsewhere"}, {"copy", "the guest's own"}};
  const Fd guest_ = open_host(dir_.root(), O_RDONLY | O_DIRECTORY);
  NodeTable table_;
  Nodes& nodes_ = table_.open();
  std::optional<BreakStaging> staging_;
  std::optional<Birthplace> births_;
  std::optional<Addresses> addresses_;
  std::optional<Backing> backing_;
  Allowance allowance_;
};

TEST_F(AfterAKill, AnInodeWithoutANameIsHeldOn) {
  const auto id = enter("f", Owner::guest);
  hold(id, "f");
  nodes_.unname(id, false);
  remove_at({guest_.get(), "f"});
  next_process();
  EXPECT_EQ(addresses_->stat(id).st_ino, nodes_.at(id).ino);
  EXPECT_EQ(addresses_->stat(id).st_nlink, 0u);
}

TEST_F(AfterAKill, ADescriptorOfAnotherInodeIsNobodys) {
  const auto id = enter("f", Owner::guest);
  const Fd other = hold_at({guest_.get(), "other"});
  nodes_.hold(id, other.get());
  next_process();
  EXPECT_FALSE(nodes_.at(id).is_held());
  EXPECT_EQ(addresses_->stat(id).st_ino, nodes_.at(id).ino);
}

TEST_F(AfterAKill, ALinkThatWasBrokenIsSettled) {
  const auto id = enter("f", Owner::shared);
  const auto copy = seen("copy");
  nodes_.set_breaking(id, true);
  rename_at({guest_.get(), "copy"}, {guest_.get(), "f"}, 0);
  next_process();
  EXPECT_EQ(nodes_.at(id).ino, copy.st_ino);
  EXPECT_EQ(nodes_.at(id).owner, Owner::unknown);
  EXPECT_TRUE(nodes_.breaking_left().empty());
}

TEST_F(AfterAKill, WhoReadsWhatABreakLeftKeepsIt) {
  const auto id = enter("f", Owner::shared);
  const auto copy = seen("copy"), old = seen("f");
  nodes_.open(id, OpenedTo::read, 0);
  hold(id, "f");
  nodes_.set_breaking(id, true);
  rename_at({guest_.get(), "copy"}, {guest_.get(), "f"}, 0);
  next_process();
  EXPECT_TRUE(nodes_.at(id).is_detached);
  EXPECT_EQ(addresses_->stat(id).st_ino, old.st_ino);
  EXPECT_EQ(nodes_.at(nodes_.current(id)).ino, copy.st_ino);
}

TEST_F(AfterAKill, ALinkThatWasNotBrokenYetIsNotWrittenInPlace) {
  const auto id = enter("f", Owner::guest);
  nodes_.open(id, OpenedTo::read, 0);
  hold(id, "f");
  nodes_.set_breaking(id, true);
  next_process();
  const auto node = nodes_.at(id);
  EXPECT_EQ(node.ino, seen("f").st_ino);
  EXPECT_EQ(node.owner, Owner::shared);
  EXPECT_FALSE(node.is_detached || node.is_breaking);
}

}  // namespace
}  // namespace vunify::test
