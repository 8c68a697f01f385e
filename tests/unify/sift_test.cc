// SPDX-License-Identifier: Apache-2.0
#include "unify/sift.h"

#include <gmock/gmock.h>

#include <numeric>

#include "tests/scene.h"

namespace vunify::test {
namespace {

using testing::ElementsAre;
using testing::IsEmpty;
using testing::Pair;
using testing::UnorderedElementsAre;

constexpr Known unknown{};
constexpr Known one{{1, 1}, 0}, other{{2, 2}, 0}, one_with_acl{{1, 1}, 9};

// Files that are only numbers: each is one inode with one name in one guest, all of one group.
struct Numbers {
  explicit Numbers(const std::vector<std::uint32_t>& guests) {
    const auto count = *std::ranges::max_element(guests) + 1;
    for (std::uint32_t i = 0; i < count; ++i) trees.emplace_back();
    for (std::uint32_t ino = 0; ino < guests.size(); ++ino) add(guests[ino], ino + 1);
    candidates = find_candidates(trees, std::vector<std::uint32_t>(count, 0), {});
    members.resize(candidates.inodes.size());
    std::iota(members.begin(), members.end(), 0);
  }

  void add(std::uint32_t guest, std::uint64_t ino) {
    File file;
    file.ino = ino;
    file.nlink = 1;
    file.stamp.size = 5;
    const std::string_view leaf = "f";
    trees[guest].add("", {&file, 1}, {&leaf, 1});
  }

  Sifted sift(const std::vector<Known>& known) const { return vunify::sift(survey, members, known, {}); }

  std::vector<Guest> no_guests;  // nobody asks for them
  Trees trees;
  Survey survey{no_guests, trees, {}};
  Candidates& candidates = survey.candidates;
  std::vector<std::uint32_t> members;  // in the order of their inode numbers, from 1 on
};

// By the numbers of the inodes.
std::map<std::uint32_t, Verdict> left(const Sifted& sifted) {
  std::map<std::uint32_t, Verdict> all;
  for (const auto& alone : sifted.left) all[alone.inode] = alone.verdict;
  return all;
}

TEST(Sift, EqualFilesOfSeveralGuestsAreProvenTogether) {
  const auto sifted = Numbers({0, 1, 2}).sift({one, one, one});
  EXPECT_THAT(sifted.parts, ElementsAre(ElementsAre(0, 1, 2)));
  EXPECT_THAT(sifted.left, IsEmpty());
}

TEST(Sift, WhatOneGuestHasTwiceIsOpenedByNobody) {
  Numbers numbers({0, 0, 1});
  const auto sifted = numbers.sift({one, one, other});
  EXPECT_THAT(sifted.parts, IsEmpty());
  EXPECT_THAT(left(sifted), UnorderedElementsAre(Pair(0, Verdict::second_copy), Pair(1, Verdict::second_copy),
                                                 Pair(2, Verdict::content_differs)));
}

TEST(Sift, AKeeperOfAllItsGuestsAndNothingElseIsOpenedByNobody) {
  Numbers numbers({0, 1, 1});
  numbers.candidates.names = {{0, 0}, {1, 0}, {1, 1}};
  numbers.candidates.inodes = {{0, 2, true, true}, {2, 1, false, true}};
  numbers.members = {0, 1};
  const auto sifted = numbers.sift({one, one});
  EXPECT_THAT(sifted.parts, IsEmpty());
  EXPECT_THAT(left(sifted), ElementsAre(Pair(1, Verdict::second_copy)));
}

TEST(Sift, ANewFileIsProvenWithTheKeeperOfTheOthers) {
  Numbers numbers({0, 1, 2});
  numbers.candidates.inodes = {{0, 2, true, true}, {2, 1, false, true}};
  numbers.members = {0, 1};
  const auto sifted = numbers.sift({one, unknown});
  EXPECT_THAT(sifted.parts, ElementsAre(ElementsAre(0, 1)));
  EXPECT_THAT(sifted.left, IsEmpty());
}

TEST(Sift, TheKeeperComesFirst) {
  Numbers numbers({0, 1, 2});
  numbers.candidates.inodes[2].shared = true;
  EXPECT_THAT(numbers.sift({one, one, one}).parts, ElementsAre(ElementsAre(2, 0, 1)));
}

TEST(Sift, SecondCopiesAreAPartOfTheirOwn) {
  const auto sifted = Numbers({0, 0, 1, 1, 1}).sift({one, one, one, one, one});
  EXPECT_THAT(sifted.parts, ElementsAre(testing::SizeIs(2), testing::SizeIs(2)));
  EXPECT_THAT(left(sifted), ElementsAre(Pair(testing::_, Verdict::second_copy)));
}

TEST(Sift, EachContentIsProvenByItself) {
  const auto sifted = Numbers({0, 1, 0, 1}).sift({one, one, other, other});
  EXPECT_THAT(sifted.parts, ElementsAre(testing::SizeIs(2), testing::SizeIs(2)));
  EXPECT_THAT(sifted.left, IsEmpty());
}

TEST(Sift, ALoneContentIsToldFromLoneMetadata) {
  Numbers numbers({0, 1, 2, 3});
  const std::vector<Known> known{one, one, other, one_with_acl};
  const auto sifted = numbers.sift(known);
  ASSERT_EQ(sifted.parts.size(), 1u);
  std::map<Known, Verdict> by_known;
  for (const auto& alone : sifted.left) by_known[known[alone.inode]] = alone.verdict;
  EXPECT_THAT(by_known, UnorderedElementsAre(Pair(other, Verdict::content_differs),
                                             Pair(one_with_acl, Verdict::metadata_differs)));
}

TEST(Sift, LoneMetadataIsFoundBeforeAndAfterTheOthers) {
  for (const std::uint64_t match : {1, 5, 9}) {
    const auto sifted = Numbers({0, 1, 2, 3}).sift({{{1, 1}, 4}, {{1, 1}, 4}, {{1, 1}, match}, {{1, 2}, match}});
    EXPECT_THAT(left(sifted),
                UnorderedElementsAre(Pair(2, Verdict::metadata_differs), Pair(3, Verdict::content_differs)));
  }
}

TEST(Sift, OnlySeveralContentsBesideAnUnknownOneMustBeLearnt) {
  EXPECT_TRUE(must_learn(std::vector{one, other, unknown}));
  EXPECT_TRUE(must_learn(std::vector{unknown, one, one_with_acl}));
  EXPECT_FALSE(must_learn(std::vector{one, unknown, one}));
  EXPECT_FALSE(must_learn(std::vector{one, other}));
  EXPECT_FALSE(must_learn(std::vector{unknown, unknown}));
  EXPECT_FALSE(must_learn(std::vector<Known>{}));
}

// A spool, or a mail directory, of files of one size.
TEST(Sift, OfManyMembersEachFindsItsPlace) {
  constexpr std::uint32_t many = 70'000;
  for (const std::uint32_t guest_count : {2, 700}) {
    std::vector<std::uint32_t> guests;
    for (std::uint32_t i = 0; i < many; ++i) guests.push_back(i % guest_count);
    const Numbers numbers(guests);
    std::vector<Known> all_differ(many);
    for (std::uint32_t i = 0; i < many; ++i) all_differ[i].digest = {i + 1, 0};
    EXPECT_EQ(numbers.sift(all_differ).left.size(), many);
    EXPECT_EQ(numbers.sift(std::vector<Known>(many, one)).parts.size(), many / guest_count);
  }
}

}  // namespace
}  // namespace vunify::test
