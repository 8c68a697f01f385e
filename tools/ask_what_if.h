// SPDX-License-Identifier: Apache-2.0
// vplan --what-if: a question in words, and its answer from the last samples.
//
//     add N like GUEST      upgrade PACKAGE [SIZE]      deunify GUEST      move GUEST      unify [GROUP]
#pragma once

#include <map>
#include <string>
#include <vector>

#include "guest/guest.h"
#include "sys/stop.h"
#include "tools/package_sizes.h"
#include "tools/plan.h"

namespace vunify {

struct Question {
  std::string text;
  std::vector<std::string> words;
  std::map<FsId, PackageSize> sizes;  // of "upgrade"
  std::vector<GuestRoot> roots;       // of "unify"
};

// Before any thread is begun: for "upgrade" and "unify" the guests' packages are read. Throws Failed{usage} for what is
// none.
Question read_question(const std::string& text, const std::string& config);

// Throws Failed{usage} for a guest of whom there is no sample.
// "unify" walks that group, in the caller's tbb::task_arena.
WhatIfAnswer answer_to(const Question& question, const std::vector<Plan>& plans, const Stop& stop);

}  // namespace vunify
