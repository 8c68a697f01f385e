// SPDX-License-Identifier: Apache-2.0
// Guests side by side on a filesystem of their own, and what each of them uses of it.
#pragma once

#include <optional>
#include <string>
#include <vector>

#include "account/measure.h"
#include "tests/scratch.h"
#include "tests/sys/on_filesystem.h"

namespace vunify::test {

constexpr std::uint64_t KiB = 1024;

class MeasuredOn : public OnFilesystem {
 protected:
  // Of /a, /b, ..., which are made here.
  void make_guests(const std::vector<std::string>& names) {
    for (const auto& name : names) {
      dir().make_directory(name);
      guests_.push_back({.path = dir() / name, .name = name});
    }
  }
  void fill(const std::string& path, std::uint64_t bytes) const { dir().write(path, std::string(bytes, 'x')); }
  void sh(const std::string& script) const { shell_or_fail("set -e; cd " + dir().root() + "; " + script); }

  OpenedHolders open() const { return open_holders(guests_); }
  Measured measure_now(const MeasureRules& rules = {}) const {
    const auto opened = open();
    EXPECT_EQ(opened.filesystems.size(), 1u);
    return measure_one(opened.filesystems.at(0), rules);
  }
  static Measured measure_one(const HeldFilesystem& held, const MeasureRules& rules = {}) {
    const Stop stop;
    Counters counters;
    auto measured = measure(held, rules, stop, counters);
    EXPECT_TRUE(measured.failed.empty());
    return measured;
  }
  static std::uint64_t fair_of_all(const Measured& measured) {
    std::uint64_t fair = 0;
    for (const auto& usage : measured.holders) fair += usage.fair;
    return fair;
  }
  bool is(const std::string& kind) const { return GetParam() == kind; }
  // What the directory of a guest takes by itself: a block on ext4.
  std::uint64_t directory_bytes() const { return directory_bytes_of("a"); }
  std::uint64_t directory_bytes_of(const std::string& name) const {
    return is("btrfs") ? 0 : dir().inode(name).bytes_on_disk();
  }
  std::uint64_t used() const {
    sync_filesystem(directory().get(), "");
    const auto space = space_of(directory().get());
    return space.total - space.free;
  }

  std::vector<GuestRoot> guests_;
};

}  // namespace vunify::test
