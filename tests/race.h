// SPDX-License-Identifier: Apache-2.0
// A race: guests on an ext4, an XFS and a btrfs (under iunlink an ext4 alone) are unified and taken apart, over and
// over, while racers act in them.
// With VUNIFY_RACE_VCOW=1 in the environment a vcow shows all of them meanwhile (./dev live).
#pragma once

#include <chrono>
#include <functional>
#include <memory>
#include <string>
#include <vector>

#include "tests/racers.h"
#include "tests/scratch.h"

namespace vunify::test {

// Makes or overwrites a file, with the one mtime that all have, so that they may be unified.
void make_common(const std::string& path, const std::string& content);
void set_common_mtime(int fd);

// One filesystem of it.
struct Race {
  explicit Race(const std::string& kind) : fs(kind) {}
  ~Race();

  LoopFs fs;
  std::vector<std::string> guests;  // their roots
  Racers racers;                    // to be started by the test
  std::string wrong;                // with vunify itself
};

bool is_race_on_vcow();

class Races {
 public:
  // guests: names of their roots; fill gives each what it has at first.
  Races(const std::vector<std::string>& guests, const std::function<void(const std::string& root)>& fill);

  // Why there can be no race here; empty where there can be.
  std::string reason() const;
  const std::vector<std::unique_ptr<Race>>& each() const { return races_; }

  // Runs vunify until the time is up, then ends the racers. Fails where one complains, or nobody did anything.
  void run(std::chrono::seconds time);
  std::uint64_t total(std::atomic<std::uint64_t> Course::*counter) const;

 private:
  std::vector<std::unique_ptr<Race>> races_;
};

}  // namespace vunify::test
