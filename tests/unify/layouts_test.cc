// SPDX-License-Identifier: Apache-2.0
// Where files lie on disk: told from FIEMAP, and from what the index says of another night.
#include "unify/layouts.h"

#include <fcntl.h>
#include <gmock/gmock.h>

#include "tests/scene.h"
#include "tests/sys/on_filesystem.h"

namespace vunify::test {
namespace {

using testing::ElementsAre;
using testing::IsEmpty;

constexpr Digest content{1, 2};

Extent piece(std::uint64_t logical, std::uint64_t physical, std::uint64_t length) {
  return {logical, physical, length};
}

TEST(LayoutHash, TellsPlacesAndKeysApart) {
  const DigestKey key, other;
  const auto hash = layout_hash(key, {piece(0, 4096, 8192)}, 8192);
  EXPECT_EQ(hash, layout_hash(key, {piece(0, 4096, 8192)}, 8192));
  EXPECT_NE(hash, layout_hash(key, {piece(0, 8192, 8192)}, 8192));
  EXPECT_NE(hash, layout_hash(key, {piece(4096, 4096, 4096)}, 8192));
  EXPECT_NE(hash, layout_hash(other, {piece(0, 4096, 8192)}, 8192));
}

TEST(LayoutHash, IsOneForARunInOnePieceAndInSeveral) {
  const DigestKey key;
  const auto hash = layout_hash(key, {piece(0, 4096, 8192)}, 8192);
  EXPECT_EQ(hash, layout_hash(key, {piece(0, 4096, 4096), piece(4096, 8192, 4096)}, 8192));
  EXPECT_NE(hash, layout_hash(key, {piece(0, 4096, 4096), piece(4096, 12288, 4096)}, 8192));
}

TEST(LayoutHash, SaysNothingOfWhatIsKeptReadyBehindTheEnd) {
  const DigestKey key;
  const auto hash = layout_hash(key, {piece(0, 4096, 4096)}, 100);
  EXPECT_EQ(hash, layout_hash(key, {piece(0, 4096, 8192)}, 100));
  EXPECT_EQ(hash, layout_hash(key, {piece(0, 4096, 4096), piece(4096, 1 << 20, 4096)}, 100));
}

// a/f and b/f, written each by itself.
class LayoutsOn : public OnFilesystem {
 protected:
  void SetUp() override {
    OnFilesystem::SetUp();
    if (!dir_) return;
    for (const auto* path : {"a/f", "b/f"}) dir().write(path, std::string(100'000, 'x'));
    scene_.emplace(dir(), Names{"a", "b"}, GroupRules{.metadata = false});
    layouts_.emplace(scene_->survey, scene_->key, true);
  }

  // The first names of the inodes at each place.
  std::vector<Names> sort(const std::vector<Known>& known = {}) {
    EXPECT_THAT(layouts_->sort(scene_->candidates.groups.at(0), known), IsEmpty());
    std::vector<Names> places;
    for (const auto* layout : layouts_->all())
      if (!layout->inodes.empty()) places.push_back(scene_->names(layout->inodes));
    return places;
  }
  std::uint64_t hash_of(const std::string& path) {
    sort();
    return layouts_->hash(layouts_->extents(reader(path).get()));
  }

  std::optional<Scene> scene_;
  std::optional<Layouts> layouts_;
};
INSTANTIATE_TEST_SUITE_P(Each, LayoutsOn, with_reflink, filesystem_name);

TEST_P(LayoutsOn, FilesOfTheirOwnLieApart) { EXPECT_THAT(sort(), ElementsAre(ElementsAre("a/f"), ElementsAre("b/f"))); }

TEST_P(LayoutsOn, SharedDataLiesTogether) {
  ASSERT_TRUE(share_data(reader("a/f").get(), open_host(dir() / "b/f", O_RDWR).get(), 100'000));
  EXPECT_THAT(sort(), ElementsAre(ElementsAre("a/f", "b/f")));
}

TEST_P(LayoutsOn, WhatIsKnownIsNotLookedAt) {
  EXPECT_THAT(sort({{content, 7}, {content, 7}}), ElementsAre(ElementsAre("a/f", "b/f")));
}

// The filesystem moved a's data since that night, and b's lies there now.
TEST_P(LayoutsOn, PlacesThatAreOnlyKnownAreConfirmedBeforeAnotherIsFoundThere) {
  const auto stale = hash_of("b/f");
  EXPECT_THAT(sort({{content, stale}, {}}), ElementsAre(ElementsAre("a/f"), ElementsAre("b/f")));
  EXPECT_THAT(sort({{content, hash_of("a/f")}, {}}), ElementsAre(ElementsAre("a/f"), ElementsAre("b/f")));
}

TEST_P(LayoutsOn, TwoContentsAtOnePlaceAreLookedAt) {
  const auto place = hash_of("a/f");
  EXPECT_THAT(sort({{content, place}, {{3, 4}, place}}), ElementsAre(ElementsAre("a/f"), ElementsAre("b/f")));
}

}  // namespace
}  // namespace vunify::test
