// SPDX-License-Identifier: Apache-2.0
// A program that is a list of verbs: vcow mount, vfleet push.
#pragma once

#include <span>
#include <string_view>
#include <vector>

#include "tools/run_tool.h"

namespace vunify {

struct NamedVerb {
  std::string_view name, operands, help;
  Exit (*carry_out)(int argc, char** argv);  // argv[0] is the verb
};

// Carries out the one that argv[1] names, or answers --help and --version. about: a sentence on the program. exits: of
// all verbs. Throws Failed{usage} for any other word.
Exit carry_out(int argc, char** argv, std::span<const NamedVerb> verbs, std::string_view about,
               const std::vector<Exit>& exits);

}  // namespace vunify
