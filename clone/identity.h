// SPDX-License-Identifier: Apache-2.0
// What makes a guest this one guest, and must not be in another: a table, a line each. What cannot be set without
// guessing, or is a service's own to renew, is copied and told.
#pragma once

#include <string_view>

namespace vunify {

enum class Treatment {
  reset,   // an empty file
  remove,  // it is not in the clone
  report,  // copied, and told
};

struct IdentityRule {
  std::string_view pattern;  // fnmatch(3), flags 0, against the path from the guest's root, beginning with "/"
  Treatment treatment;
  std::string_view note;  // what is to be done, or who does it
};

// The first rule that matches, or nullptr. Cheap: asked for every name of a guest. Directories and symlinks are only to
// be reported, whatever the rule says.
const IdentityRule* find_identity_rule(std::string_view path);

}  // namespace vunify
