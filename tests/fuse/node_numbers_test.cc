// SPDX-License-Identifier: Apache-2.0
// A node's number is what all else knows it by: descriptors, what it takes of a limit, its backing file.
#include <gtest/gtest.h>

#include <optional>

#include "tests/fuse/node_table.h"

namespace vunify::test {
namespace {

TEST(NodeNumbers, GoToNoOtherBeforeAllOfTheOldIsLetGo) {
  NodeTable table;
  std::optional<Nodes> nodes;
  NodeId born_meanwhile = 0;
  nodes.emplace(table.memory, table.undo, file_of(2, S_IFDIR),
                [&](const Gone&) { born_meanwhile = nodes->enter_nameless(file_of(11)); });
  const auto gone = nodes->enter_nameless(file_of(10));
  nodes->forget(gone, 1);
  EXPECT_NE(born_meanwhile, 0u);
  EXPECT_NE(born_meanwhile, gone);
  EXPECT_EQ(nodes->enter_nameless(file_of(12)), gone);
}

TEST(NodeNumbers, OfOneThatTookAnothersPlaceWaitForFree) {
  NodeTable table;
  auto& nodes = table.open();
  const auto broken = nodes.enter(root_node, "f", file_of(10), Owner::shared);
  nodes.open(broken, OpenedTo::read, 0);
  const auto current = nodes.detach(broken, file_of(11), 0, Owner::guest);
  nodes.release(broken, OpenedTo::read);
  EXPECT_EQ(nodes.attach(broken), current);
  EXPECT_NE(nodes.enter_nameless(file_of(12)), current);
  nodes.free(current);
  EXPECT_EQ(nodes.enter_nameless(file_of(13)), current);
}

}  // namespace
}  // namespace vunify::test
