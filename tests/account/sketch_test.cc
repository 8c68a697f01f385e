// SPDX-License-Identifier: Apache-2.0
#include "account/sketch.h"

#include <gmock/gmock.h>

#include <cmath>
#include <random>
#include <set>

namespace vunify::test {
namespace {

using Contents = std::vector<HashedContent>;

// Sizes as files have them: most are small, most bytes are in few.
Contents made(std::size_t count, std::uint64_t seed) {
  std::mt19937_64 random(seed);
  std::lognormal_distribution<double> sizes(9, 2);
  Contents contents;
  for (std::size_t i = 0; i < count; ++i)
    contents.push_back({random(), static_cast<std::uint64_t>(1 + std::min(sizes(random), 1e9))});
  return contents;
}

Contents both(Contents a, const Contents& b) {
  a.insert(a.end(), b.begin(), b.end());
  return a;
}

double sum(const Contents& contents) {
  double bytes = 0;
  for (const auto& content : contents) bytes += static_cast<double>(content.bytes);
  return bytes;
}

TEST(Sketches, OfFewContentsAreExact) {
  const auto common = made(100, 1);
  const Sketch a(both(common, made(200, 2))), b(both(common, made(300, 3)));
  EXPECT_DOUBLE_EQ(shared_bytes(a, b), sum(common));
  EXPECT_EQ(a.least(), 0);
  EXPECT_EQ(shared_bytes(a, Sketch(made(100, 4))), 0);
}

TEST(Sketches, TakeEqualFilesOfAGuestForOne) {
  const auto contents = made(100, 1);
  EXPECT_DOUBLE_EQ(shared_bytes(Sketch(both(contents, contents)), Sketch(contents)), sum(contents));
}

TEST(Sketches, KeepSoManyWhateverThereIs) {
  EXPECT_EQ(Sketch(made(5'000, 1)).kept().size(), 1024u);
  EXPECT_EQ(Sketch(made(1'024, 1)).kept().size(), 1024u);
  EXPECT_EQ(Sketch({}).kept().size(), 0u);
}

TEST(Sketches, TellCommonBytesToAFewPercent) {
  std::vector<double> errors;
  for (std::uint64_t seed = 0; seed < 20; ++seed) {
    const auto common = made(4'000, 10 * seed);
    const Sketch a(both(common, made(4'000, 10 * seed + 1))), b(both(common, made(4'000, 10 * seed + 2)));
    errors.push_back(std::abs(shared_bytes(a, b) / sum(common) - 1));
  }
  std::ranges::sort(errors);
  EXPECT_LT(errors[10], 0.04);
  EXPECT_LT(errors[18], 0.10);
}

TEST(Sketches, TellAGuestFromItself) {
  const auto contents = made(5'000, 1);
  EXPECT_NEAR(shared_bytes(Sketch(contents), Sketch(contents)) / sum(contents), 1, 0.05);
}

// Of normal errors 68 and 95 of 100 are within one deviation and two.
TEST(Sketches, KnowHowFarOffTheyMayBe) {
  int within_one = 0, within_two = 0;
  const auto hold = [&](const Estimate& estimate, const Contents& truth) {
    const double off = std::abs(estimate.bytes - sum(truth));
    within_one += off <= estimate.deviation ? 1 : 0;
    within_two += off <= 2 * estimate.deviation ? 1 : 0;
  };
  for (std::uint64_t seed = 0; seed < 30; ++seed) {
    const auto common = made(4'000, 10 * seed), own = made(4'000, 10 * seed + 1);
    const Sketch a(both(common, own)), b(both(common, made(4'000, 10 * seed + 2)));
    hold(estimate_shared(a, b), common);
    hold(estimate_missing(a, b), own);
  }
  EXPECT_THAT(within_one, testing::AllOf(testing::Ge(30), testing::Le(52)));
  EXPECT_GE(within_two, 52);
}

TEST(Sketches, GrowAsOneOfAllWouldBe) {
  Sketch all({});
  Contents contents;
  for (std::uint64_t guest = 0; guest < 5; ++guest) {
    const auto more = made(1'000, guest);
    contents = both(contents, more);
    all = Sketch(both({all.kept().begin(), all.kept().end()}, more), Sketch::usual_size, all.least());
  }
  const Sketch at_once(contents);
  EXPECT_EQ(all.least(), at_once.least());
  EXPECT_EQ(shared_bytes(all, all), shared_bytes(at_once, at_once));
  EXPECT_EQ(all.smaller(64).least(), Sketch(contents, 64).least());
}

TEST(Neighbours, AreThoseWithMostInCommon) {
  const auto base = made(3'000, 1), php = made(2'000, 2);
  std::vector<Sketch> sketches;
  for (std::uint64_t guest = 0; guest < 20; ++guest)
    sketches.emplace_back(both(guest % 2 == 0 ? both(base, php) : base, made(500, 100 + guest)));
  sketches.emplace_back(made(3'000, 3));  // a stranger
  const Neighbours neighbours(sketches);
  const auto found = neighbours.of(4, 9);
  ASSERT_EQ(found.size(), 9u);
  for (const auto& each : found) EXPECT_EQ(each.guest % 2, 0u);
  EXPECT_DOUBLE_EQ(found[0].bytes, shared_bytes(sketches[4], sketches[found[0].guest]));
  EXPECT_EQ(neighbours.of(4, 100).size(), 19u);
  EXPECT_THAT(neighbours.of(20, 5), testing::IsEmpty());
}

}  // namespace
}  // namespace vunify::test
