// SPDX-License-Identifier: Apache-2.0
// What must hold whatever the guests are: nothing inside a guest changes but space, and unification can be taken back.
#include <gmock/gmock.h>

#include <algorithm>
#include <filesystem>
#include <iterator>
#include <nlohmann/json.hpp>

#include "sys/fd.h"
#include "tests/random_guests.h"
#include "tests/scratch.h"
#include "tests/seeds.h"
#include "tests/shared.h"

namespace vunify::test {
namespace {

using testing::IsEmpty;

using Image = std::map<std::string, std::string>;

struct Trial {
  std::string filesystem;
  std::string protection;
  std::size_t fresh_seeds;
};

// All that the guests can see of themselves.
struct Seen {
  std::vector<Image> images;
  std::vector<std::vector<std::vector<std::string>>> links;
};

Seen look_at(const std::vector<std::string>& guests) {
  Seen seen;
  for (const auto& guest : guests) {
    seen.images.push_back(image_of(guest));
    seen.links.push_back(link_sets(guest));
  }
  return seen;
}

// What only one of them shows.
std::vector<Image::value_type> difference(const Image& before, const Image& now) {
  std::vector<Image::value_type> only;
  std::ranges::set_symmetric_difference(before, now, std::back_inserter(only));
  return only;
}

class UnifyingRandom : public testing::TestWithParam<Trial> {
 protected:
  void SetUp() override {
    if (!fs_.ok()) GTEST_SKIP() << fs_.reason();
  }

  nlohmann::json vunify(std::vector<std::string> options, const std::vector<std::string>& guests) const {
    options.insert(options.begin(), {"vunify", "--json", "--state", state_ / "state"});
    options.insert(options.end(), guests.begin(), guests.end());
    const auto finished = run(options);
    EXPECT_EQ(finished.status, 0) << finished.err << finished.out;
    return finished.status == 0 ? nlohmann::json::parse(finished.out) : nlohmann::json();
  }

  static void expect_as_before(const Seen& before, const std::vector<std::string>& guests) {
    const auto now = look_at(guests);
    for (std::size_t i = 0; i < guests.size(); ++i) EXPECT_THAT(difference(before.images[i], now.images[i]), IsEmpty());
    EXPECT_EQ(before.links, now.links);
  }

  void try_flag(std::uint32_t seed) const {
    const Scratch dir({}, fs_.root());
    const auto guests = grow_guests(dir.root(), seed, {.guests = 2 + seed % 4, .links_between = seed % 2 == 1});
    const auto before = look_at(guests);

    const auto first = vunify({protect_by_flag()}, guests);
    expect_as_before(before, guests);
    for (std::size_t i = 0; i < guests.size(); ++i)
      for (const auto& set : before.links[i]) EXPECT_FALSE(has_mark(guests[i] + "/" + set.front())) << set.front();
    EXPECT_FALSE(std::filesystem::exists(dir / ".vunify"));

    const auto second = vunify({protect_by_flag()}, guests);
    EXPECT_GT(first.value("linked_files", 0), 0);
    EXPECT_EQ(second.value("linked_files", -1), 0);
    EXPECT_EQ(second.value("freed_bytes", -1), 0);

    vunify({"-R"}, guests);
    expect_as_before(before, guests);
    expect_private(guests, before);
  }

  // No name leads to an inode of another guest, nothing is marked and nothing protected.
  static void expect_private(const std::vector<std::string>& guests, const Seen& seen) {
    for (std::size_t i = 0; i < guests.size(); ++i)
      for (const auto& [path, image] : seen.images[i]) EXPECT_FALSE(has_mark(guests[i] + "/" + path)) << path;
    EXPECT_EQ(shell("lsattr -R " + guests.front() + "/.. | grep -- '^....i'").out, "");
  }

  void try_reflink(std::uint32_t seed) const {
    const Scratch dir({}, fs_.root());
    const auto guests = grow_guests(dir.root(), seed, {});
    const auto numbers = [&] { return shell("cd " + dir.root() + "; find . -printf '%i %p\\n' | sort").out; };
    const auto before = look_at(guests);
    const auto inodes = numbers();

    EXPECT_GT(vunify({"--protect=reflink"}, guests).value("linked_files", 0), 0);
    expect_as_before(before, guests);
    EXPECT_EQ(numbers(), inodes);
    EXPECT_EQ(vunify({"--protect=reflink"}, guests).value("linked_files", -1), 0);
  }

  LoopFs fs_{GetParam().filesystem, 512};
  Scratch state_;
};

TEST_P(UnifyingRandom, GuestsChangesNothingInsideThemAndCanBeTakenBack) {
  for (const auto seed : draw_seeds(draw(GetParam().fresh_seeds).size())) {
    SCOPED_TRACE("VUNIFY_SEED=" + std::to_string(seed));
    GetParam().protection == "reflink" ? try_reflink(seed) : try_flag(seed);
    if (HasFailure()) return;
  }
}

INSTANTIATE_TEST_SUITE_P(Each, UnifyingRandom,
                         testing::Values(Trial{"ext4", "flag", 26}, Trial{"xfs", "flag", 4}, Trial{"btrfs", "flag", 4},
                                         Trial{"xfs", "reflink", 4}, Trial{"btrfs", "reflink", 4}),
                         [](const auto& trial) { return trial.param.filesystem + "_" + trial.param.protection; });

}  // namespace
}  // namespace vunify::test
