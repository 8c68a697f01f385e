// SPDX-License-Identifier: Apache-2.0
// Files of guests a, b and c, proven when a test asks for it.
#pragma once

#include <gtest/gtest.h>

#include <algorithm>
#include <map>
#include <optional>
#include <string>
#include <vector>

#include "tests/scene.h"

namespace vunify::test {

using Left = std::map<std::string, Verdict>;

inline std::string sized(std::size_t size, char last) {
  std::string bytes(size, 'x');
  bytes.back() = last;
  return bytes;
}

class Proving : public testing::Test {
 protected:
  // Of the files of guests a, b, c: walked now, proven when it is asked for.
  void look() { scene_.emplace(dir_, Names{"a", "b", "c"}); }

  Proof prove(const ProofRules& rules = {}) {
    std::vector<std::uint32_t> all;
    for (const auto& group : scene_->candidates.groups)
      for (const auto inode : scene_->inodes(group)) all.push_back(inode);
    return scene_->prover(rules).prove(all);
  }

  std::vector<Names> classes(const Proof& proof) const {
    std::vector<Names> all;
    for (const auto& proven : proof.classes) {
      std::vector<std::uint32_t> inodes;
      for (const auto& member : proven.members) inodes.push_back(member.inode);
      all.push_back(scene_->names(inodes));
    }
    std::ranges::sort(all);
    return all;
  }

  Left left(const std::vector<LeftAlone>& left_alone) const {
    Left all;
    for (const auto& one : left_alone) all[scene_->name(one.inode)] = one.verdict;
    return all;
  }

  Scratch dir_{{"a/f", "same"}, {"b/f", "same"}, {"c/f", "same"}};
  std::optional<Scene> scene_;
};

}  // namespace vunify::test
