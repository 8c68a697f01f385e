// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <string>

#include "tests/scene.h"
#include "tests/unify/clones.h"
#include "unify/settle.h"

namespace vunify::test {

// Guests a, b, c of a directory, as a run finds them before it links anything.
class Settled {
 public:
  explicit Settled(const Scratch& dir)
      : state_{{"journals", ""}}, scene_(dir, {"a", "b", "c"}), places_(under(by_flag(), scene_.guests), false) {}
  ~Settled() { places_.close(); }

  Outcome by(void (*settle)(Survey&, const Places&, const Run&, Outcome&), bool dry_run = false, bool fresh = true,
             const Stop& stop = Stop()) {
    Outcome outcome;
    const Run run{
        .stop = stop, .counters = scene_.counters, .dry_run = dry_run, .fresh = fresh, .state_dir = state_.root()};
    settle(scene_.survey, places_, run, outcome);
    EXPECT_TRUE(outcome.failed.empty()) << outcome.failed[0].reason;
    return outcome;
  }
  Verdict verdict(const std::string& name) const { return scene_.verdict(name); }

 private:
  Scratch state_;
  Scene scene_;
  Places places_;
};

}  // namespace vunify::test
