// SPDX-License-Identifier: Apache-2.0
// apk knows no conffiles; it has rules of paths instead. A rule is a letter and a pattern from the root, "+etc": of a
// name's rules the last counts, and what has none is as its directory is. From apk's etc/apk/protected_paths.d.
#pragma once

#include <string>
#include <string_view>
#include <vector>

namespace vunify {

enum class PathRule { none, changed, symlinks_only, all };  // "-", "+" or no letter, "@", "!"

class PathRules {
 public:
  // Adds the rules of text, one a line; "#" begins a comment. Throws std::runtime_error where they are more than anyone
  // writes: each name is held against each of them.
  void add(std::string_view text);

  // The rule for a clean path (packages/inventory).
  PathRule rule_of(std::string_view path) const;

 private:
  struct Rule {
    PathRule rule = PathRule::none;
    std::string pattern;
  };
  std::vector<Rule> rules_;
};

// fnmatch(3) with FNM_PATHNAME, but in a time that a pattern cannot stretch: "*" and "?" match no slash, "[...]" is one
// byte of those named in it.
bool matches_glob(std::string_view pattern, std::string_view path);

}  // namespace vunify
