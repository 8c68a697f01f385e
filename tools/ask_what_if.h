// SPDX-License-Identifier: Apache-2.0
// vplan --what-if: a question in words, and its answer from the last samples.
//
//     add N like GUEST      upgrade PACKAGE [SIZE]      deunify GUEST      move GUEST
#pragma once

#include <map>
#include <string>
#include <vector>

#include "tools/package_sizes.h"
#include "tools/plan.h"

namespace vunify {

struct Question {
  std::string text;
  std::vector<std::string> words;
  std::map<FsId, PackageSize> sizes;  // of "upgrade"
};

// Before any thread is begun: for "upgrade" the guests' packages are read. Throws Failed{usage} for what is none.
Question read_question(const std::string& text, const std::string& config);

// Throws Failed{usage} for a guest of whom there is no sample.
WhatIfAnswer answer_to(const Question& question, const std::vector<Plan>& plans);

}  // namespace vunify
