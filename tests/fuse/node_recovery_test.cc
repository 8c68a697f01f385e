// SPDX-License-Identifier: Apache-2.0
// The table of nodes as the next process finds it, whenever the one before was killed.
#include <map>
#include <random>
#include <string>

#include "fuse/node_lock.h"
#include "tests/fuse/each_store.h"
#include "tests/fuse/node_table.h"

namespace vunify::test {
namespace {

constexpr NodeId most_nodes = 64;

std::string described(NodeId id, const Nodes::Place& place) {
  const auto& node = place.node;
  std::string text = std::to_string(id) + " " + place.name;
  for (const std::uint64_t number :
       {node.ino, node.shown, std::uint64_t{node.lookups}, std::uint64_t{node.descriptor}, std::uint64_t{node.parent},
        std::uint64_t{node.generation}, std::uint64_t{node.opens}, std::uint64_t{node.uses},
        static_cast<std::uint64_t>(node.backing), static_cast<std::uint64_t>(node.owner),
        std::uint64_t{node.is_detached}, std::uint64_t{node.is_listed}, std::uint64_t{node.is_breaking},
        std::uint64_t{node.was_opened_rw}, std::uint64_t{node.is_island}})
    text += " " + std::to_string(number);
  return text + "\n";
}

void expect_found(const Nodes& nodes, NodeId id, const Nodes::Place& place) {
  const auto seen = file_of(place.node.ino, static_cast<mode_t>(place.node.type) << 12);
  EXPECT_EQ(nodes.find(place.node.parent, place.name, seen), id);
}

// All that is known by number, and is found by name.
std::string described(const Nodes& nodes) {
  std::string text;
  for (NodeId id = 1; id <= most_nodes; ++id) {
    try {
      const auto place = nodes.place_of(id);
      text += described(id, place);
      if (place.node.is_listed && id != root_node) expect_found(nodes, id, place);
    } catch (const std::system_error&) {
    }
  }
  return text;
}

class NodeRecovery : public testing::Test {
 protected:
  NodeId enter(NodeId parent, const std::string& name, std::uint64_t ino, Owner owner = Owner::guest) {
    return table_.nodes->enter(parent, name, file_of(ino), owner);
  }
  NodeId detached(std::uint64_t ino) {
    auto& nodes = *table_.nodes;
    const auto id = enter(directory_, "broken " + std::to_string(ino), ino, Owner::shared);
    nodes.open(id, OpenedTo::read, 0);
    nodes.hold(id, 41);
    nodes.detach(id, file_of(ino + 1), 0, Owner::guest);
    return id;
  }

  void SetUp() override {
    table_.open();
    directory_ = table_.nodes->enter(root_node, "directory", file_of(3, S_IFDIR), Owner::unknown);
    file_ = enter(directory_, "file", 4);
    other_ = enter(directory_, "a name that has more bytes than sixteen", 5);
    shared_ = enter(directory_, "shared", 6, Owner::shared);
    table_.nodes->set_backing(file_, 7);
  }

  // What is found at each store is the table before or after it.
  template <typename Work>
  void expect_whole_or_not_at_all(const Work& work) {
    const auto before = described(table_.open());
    std::vector<std::string> found;
    const int stores = at_each_store(
        table_.memory, [&] { work(*table_.nodes); },
        [&](const MemoryImage& image) {
          NodeTable left;
          image.write_to(left.memory);
          found.push_back(described(left.open()));
        });
    const auto after = described(table_.open());
    EXPECT_NE(before, after);
    EXPECT_GT(stores, 3);
    EXPECT_EQ(found.front(), before);
    EXPECT_EQ(found.back(), after);
    bool is_after = false;
    for (const auto& one : found) EXPECT_TRUE((is_after |= one == after) ? one == after : one == before) << one;
  }

  NodeTable table_;
  NodeId directory_ = 0, file_ = 0, other_ = 0, shared_ = 0;
};

TEST_F(NodeRecovery, KnowsWhatWasEnteredOrForgottenAtEachStore) {
  expect_whole_or_not_at_all([&](Nodes& nodes) { nodes.enter(directory_, "new", file_of(20), Owner::guest); });
  expect_whole_or_not_at_all([&](Nodes& nodes) { nodes.enter(directory_, "file", file_of(4), Owner::guest); });
  expect_whole_or_not_at_all([&](Nodes& nodes) { nodes.enter_nameless(file_of(21)); });
  expect_whole_or_not_at_all([&](Nodes& nodes) { nodes.forget(file_, 1); });
  expect_whole_or_not_at_all([&](Nodes& nodes) { nodes.forget(file_, 1); });
}

TEST_F(NodeRecovery, KnowsDirectoriesThatGoWithTheirLastNodeAtEachStore) {
  const auto inner = table_.nodes->enter(directory_, "inner", file_of(8, S_IFDIR), Owner::unknown);
  const auto leaf = enter(inner, "leaf", 9);
  table_.nodes->forget(inner, 1);
  expect_whole_or_not_at_all([&](Nodes& nodes) { nodes.forget(leaf, 1); });
}

TEST_F(NodeRecovery, KnowsWhatWasOpenAtEachStore) {
  expect_whole_or_not_at_all([&](Nodes& nodes) { nodes.open(file_, OpenedTo::read_and_write, 30); });
  EXPECT_EQ(table_.nodes->descriptors(), std::vector{30});
  EXPECT_EQ(table_.nodes->opened(), std::vector{file_});
  EXPECT_FALSE(table_.nodes->take_handle(other_, 30));
  EXPECT_TRUE(table_.nodes->take_handle(file_, 30));
  EXPECT_TRUE(table_.open().descriptors().empty());
  expect_whole_or_not_at_all([&](Nodes& nodes) { nodes.release(file_, OpenedTo::read_and_write); });
}

TEST_F(NodeRecovery, KnowsWhereNamesWereMovedAtEachStore) {
  expect_whole_or_not_at_all([&](Nodes& nodes) { nodes.rename(file_, root_node, "moved"); });
  expect_whole_or_not_at_all([&](Nodes& nodes) { nodes.rename(file_, root_node, "to where names of 32 bytes are"); });
  expect_whole_or_not_at_all([&](Nodes& nodes) { nodes.exchange(file_, other_); });
  expect_whole_or_not_at_all([&](Nodes& nodes) { nodes.hold(other_, 40); });
  expect_whole_or_not_at_all([&](Nodes& nodes) { nodes.unname(other_, false); });
  EXPECT_EQ(table_.nodes->descriptors(), std::vector{40});
}

TEST_F(NodeRecovery, KnowsWhatBecameOfALinkAtEachStore) {
  expect_whole_or_not_at_all([&](Nodes& nodes) { nodes.set_breaking(shared_, true); });
  EXPECT_EQ(table_.nodes->breaking_left(), std::vector{shared_});
  expect_whole_or_not_at_all([&](Nodes& nodes) { nodes.rebind(shared_, file_of(22), 0, Owner::guest); });
  EXPECT_TRUE(table_.nodes->breaking_left().empty());
  const auto read = enter(directory_, "read", 23, Owner::shared);
  table_.nodes->open(read, OpenedTo::read, 0);
  table_.nodes->hold(read, 42);
  expect_whole_or_not_at_all([&](Nodes& nodes) { nodes.detach(read, file_of(24), 0, Owner::guest); });
  table_.nodes->release(read, OpenedTo::read);
  expect_whole_or_not_at_all([&](Nodes& nodes) { nodes.attach(read); });
}

TEST_F(NodeRecovery, LosesNoNumberOfABackingFileAtEachStore) {
  EXPECT_EQ(table_.nodes->backed(), std::vector{file_});
  EXPECT_EQ(table_.nodes->last_backing(), 7);
  const auto look = [](const MemoryImage& image) {
    NodeTable left;
    image.write_to(left.memory);
    const auto& nodes = left.open();
    EXPECT_EQ(nodes.backed().size() + nodes.lost_backings().size(), 1u);
  };
  at_each_store(
      table_.memory, [&] { table_.nodes->forget(file_, 1); }, look);
  EXPECT_EQ(table_.open().lost_backings(), std::vector{7});
  table_.nodes->forgot(7);
  EXPECT_TRUE(table_.open().lost_backings().empty());
}

TEST_F(NodeRecovery, BorrowsNumbersAsBefore) {
  const auto read = detached(50);
  const auto current = table_.nodes->current(read);
  EXPECT_EQ(table_.nodes->at(current).shown, 50u);
  table_.open();
  enter(directory_, "whose number it is", 50);
  EXPECT_EQ(table_.nodes->at(current).shown, 51u);
}

TEST_F(NodeRecovery, UnlocksWhatWasLocked) {
  if (const auto child = ::fork(); child == 0) {
    const NodeLock lock(*table_.nodes, file_);
    ::_exit(0);
  } else {
    ::waitpid(child, nullptr, 0);
  }
  EXPECT_FALSE(NodeLock(table_.open(), file_).had_to_wait());
}

// Beside them a model; and each now and then another process.
class RandomNodes : public NodeRecovery {
 protected:
  void act() {
    switch (random(5)) {
      case 0:
        return name(table_.nodes->enter(directory_, fresh(), file_of(++ino_), Owner::guest));
      case 1:
        return forget();
      case 2:
        return rename();
      default:
        return name(table_.nodes->enter(root_node, fresh(), file_of(++ino_), Owner::guest));
    }
  }
  void expect_as_modelled() const {
    for (const auto& [id, name] : names_) ASSERT_EQ(table_.nodes->place_of(id).name, name);
    EXPECT_EQ(table_.nodes->count(), names_.size() + 5);
  }

  std::size_t random(std::size_t below) { return std::uniform_int_distribution<std::size_t>(0, below - 1)(random_); }
  const std::string& fresh() { return fresh_ = std::to_string(++named_) + std::string(random(200), 'n'); }
  void name(NodeId id) { names_[id] = fresh_; }
  auto one() { return std::next(names_.begin(), static_cast<std::ptrdiff_t>(random(names_.size()))); }
  void forget() {
    if (names_.empty()) return;
    const auto gone = one();
    table_.nodes->forget(gone->first, 1);
    names_.erase(gone);
  }
  void rename() {
    if (names_.empty()) return;
    const auto moved = one();
    table_.nodes->rename(moved->first, directory_, fresh());
    moved->second = fresh_;
  }

  std::mt19937 random_{testing::UnitTest::GetInstance()->random_seed() + 1U};
  std::map<NodeId, std::string> names_;
  std::string fresh_;
  std::uint64_t ino_ = 100;
  int named_ = 0;
};

TEST_F(RandomNodes, AreTheSameForEachProcessThatComes) {
  for (int process = 0; process < 20; ++process) {
    for (int i = 0; i < 200; ++i) act();
    const auto bytes = table_.nodes->bytes();
    table_.open();
    EXPECT_EQ(table_.nodes->bytes(), bytes);
    expect_as_modelled();
  }
  while (!names_.empty()) forget();
  const auto bytes = table_.nodes->bytes();
  EXPECT_EQ(table_.open().bytes(), bytes);
  EXPECT_LT(bytes, std::size_t{1} << 20);
}

}  // namespace
}  // namespace vunify::test
