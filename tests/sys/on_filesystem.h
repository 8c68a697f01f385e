// SPDX-License-Identifier: Apache-2.0
// Facts of the kernel that must hold on each filesystem we know: TEST_P(SomethingOn, Fact), once on ext4, XFS and
// btrfs.
#pragma once

#include <fcntl.h>
#include <gtest/gtest.h>

#include <algorithm>
#include <optional>
#include <string>
#include <system_error>

#include "sys/clone.h"
#include "sys/fd.h"
#include "tests/scratch.h"

namespace vunify::test {

class OnFilesystem : public testing::TestWithParam<std::string> {
 protected:
  void SetUp() override {
    if (!fs_.ok()) GTEST_SKIP() << fs_.reason();
    dir_.emplace(Scratch::Files{}, fs_.root());
  }

  const Scratch& dir() const { return *dir_; }
  Fd reader(const std::string& path) const { return open_host(*dir_ / path, O_RDONLY); }
  Fd directory(const std::string& path = "") const { return open_host(*dir_ / path, O_RDONLY | O_DIRECTORY); }

  LoopFs fs_{GetParam()};
  std::optional<Scratch> dir_;  // gone before fs_
};

inline const auto each_filesystem = testing::Values("ext4", "xfs", "btrfs");
inline const auto with_reflink = testing::Values("xfs", "btrfs");
inline std::string filesystem_name(const testing::TestParamInfo<std::string>& kind) { return kind.param; }

// True where both files lie in the same places on disk all through.
inline bool same_places(int a, int b) {
  const auto same = [](const Extent& x, const Extent& y) {
    return !x.in_metadata && !y.in_metadata && x.logical == y.logical && x.physical == y.physical &&
           x.length == y.length;
  };
  const auto one = extents_of(a), other = extents_of(b);
  return !one.empty() && std::equal(one.begin(), one.end(), other.begin(), other.end(), same);
}

// The errno a call threw, 0 where it threw none.
template <typename Call>
int error_of(const Call& call) {
  try {
    call();
  } catch (const std::system_error& error) {
    return error.code().value();
  }
  return 0;
}

}  // namespace vunify::test
