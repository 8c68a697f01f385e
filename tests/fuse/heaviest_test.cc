// SPDX-License-Identifier: Apache-2.0
// Names without number in room for a few, and where a node is.
#include "fuse/heaviest.h"

#include <gmock/gmock.h>

#include "fuse/breaks.h"
#include "tests/fuse/node_table.h"

namespace vunify::test {
namespace {

using testing::ElementsAre;

auto is(const std::string& name, std::uint64_t count, std::uint64_t bytes) {
  return testing::AllOf(testing::Field(&Heavy::name, name), testing::Field(&Heavy::count, count),
                        testing::Field(&Heavy::bytes, bytes));
}

TEST(Heaviest, AreExactWhileThereIsRoom) {
  Heaviest heaviest(3);
  heaviest.add("light", 10);
  heaviest.add("heavy", 60);
  heaviest.add("heavy", 40);
  heaviest.add("empty", 0);
  EXPECT_THAT(heaviest.first(9), ElementsAre(is("heavy", 2, 100), is("light", 1, 10), is("empty", 1, 0)));
  EXPECT_THAT(heaviest.first(1), ElementsAre(is("heavy", 2, 100)));
}

TEST(Heaviest, OneIsFoundHoweverManyOthersThereAreAndNeverToldTooHeavy) {
  Heaviest heaviest(16);
  for (int i = 0; i < 20'000; ++i) {
    heaviest.add("n" + std::to_string(i), 1000);
    if (i % 10 == 0) heaviest.add("dpkg", 5000);
  }
  const auto first = heaviest.first(16);
  ASSERT_EQ(first.size(), 16u);
  EXPECT_EQ(heaviest.first(100).size(), 16u);
  EXPECT_EQ(first[0].name, "dpkg");
  EXPECT_GT(first[0].bytes, 9'000'000u);
  EXPECT_LE(first[0].bytes, 10'000'000u);
  EXPECT_LE(first[1].bytes, 1000u);
}

TEST(PathOf, GoesUpToTheRootAndKeepsTheEndOfALongOne) {
  NodeTable table;
  auto& nodes = table.open();
  const auto etc = nodes.enter(root_node, "etc", file_of(3, S_IFDIR), Owner::unknown);
  EXPECT_EQ(path_of(nodes, nodes.enter(etc, "passwd", file_of(4), Owner::unknown)), "/etc/passwd");
  EXPECT_EQ(path_of(nodes, nodes.enter_nameless(file_of(5))), "/?");
  auto deep = etc;
  for (std::uint64_t ino = 10; ino < 15; ++ino)
    deep = nodes.enter(deep, std::string(200, 'd'), file_of(ino, S_IFDIR), Owner::unknown);
  const auto path = path_of(nodes, nodes.enter(deep, "end", file_of(20), Owner::unknown));
  EXPECT_EQ(path.size(), most_path_bytes + 3);
  EXPECT_THAT(path, testing::AllOf(testing::StartsWith("...d"), testing::EndsWith("d/end")));
}

}  // namespace
}  // namespace vunify::test
