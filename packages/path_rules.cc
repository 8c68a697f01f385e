// SPDX-License-Identifier: Apache-2.0
#include "packages/path_rules.h"

#include <fnmatch.h>

#include <algorithm>
#include <stdexcept>

#include "packages/lines.h"

namespace vunify {
namespace {

constexpr std::size_t most_rules = 1000;
constexpr std::size_t most_pattern_bytes = 1000;
constexpr auto none = std::string_view::npos;

PathRule take_letter(std::string_view& line) {
  const auto letter = line.front();
  if (std::string_view("-+@!").find(letter) != none) line.remove_prefix(1);
  return letter == '-'   ? PathRule::none
         : letter == '@' ? PathRule::symlinks_only
         : letter == '!' ? PathRule::all
                         : PathRule::changed;
}

std::string_view without_slashes(std::string_view path) {
  while (path.starts_with('/')) path.remove_prefix(1);
  while (path.ends_with('/')) path.remove_suffix(1);
  return path;
}

// The bytes of the pattern that stand for one byte of a path: "a", "?", "\*", "[!a-z]".
std::size_t piece_of(std::string_view pattern) {
  if (pattern[0] == '\\' && pattern.size() > 1) return 2;
  if (pattern[0] != '[') return 1;
  const auto end = pattern.find(']', pattern.size() > 1 && pattern[1] == '!' ? 3 : 2);
  return end == none ? 1 : end + 1;
}

bool matches_piece(std::string_view piece, char byte) {
  if (byte == '/') return piece == "/";
  return ::fnmatch(std::string(piece).c_str(), std::string(1, byte).c_str(), 0) == 0;
}

}  // namespace

// A "*" first takes nothing, then one byte more each time that what follows does not match: only the last one has to
// give, so the steps are at most the product of both lengths.
bool matches_glob(std::string_view pattern, std::string_view path) {
  std::size_t in_pattern = 0, in_path = 0, after_star = none, taken_to = 0;
  while (in_path < path.size()) {
    const auto rest = pattern.substr(in_pattern);
    if (rest.starts_with('*')) {
      after_star = ++in_pattern;
      taken_to = in_path;
    } else if (!rest.empty() && matches_piece(rest.substr(0, piece_of(rest)), path[in_path])) {
      in_pattern += piece_of(rest);
      ++in_path;
    } else if (after_star != none && path[taken_to] != '/') {
      in_pattern = after_star;
      in_path = ++taken_to;
    } else {
      return false;
    }
  }
  return pattern.find_first_not_of('*', in_pattern) == none;
}

void PathRules::add(std::string_view text) {
  while (!text.empty()) {
    auto line = without_blanks(take_line(text));
    if (line.empty() || line.front() == '#') continue;
    const auto rule = take_letter(line);
    rules_.push_back({rule, std::string(without_slashes(line))});
    if (rules_.size() > most_rules || line.size() > most_pattern_bytes) throw std::runtime_error("too many rules");
  }
}

PathRule PathRules::rule_of(std::string_view path) const {
  auto found = PathRule::none;
  for (std::size_t end = 0; end < path.size();) {
    end = std::min(path.find('/', end + 1), path.size());
    const auto name = path.substr(0, end);
    for (const auto& rule : rules_)
      if (matches_glob(rule.pattern, name)) found = rule.rule;
  }
  return found;
}

}  // namespace vunify
