// SPDX-License-Identifier: Apache-2.0
// Which paths of a guest are never unified. The syntax is util-vserver's: one pattern a line, matched with fnmatch(3),
// flags 0, against the whole path from the guest's root beginning with "/", so that "*" also matches "/". A leading
// "+" includes, "-" or nothing excludes, "~" excludes too; "#" in the first column is a comment. The first match wins;
// what matches nothing is included. An excluded directory excludes all beneath it.
#pragma once

#include <array>
#include <cstddef>
#include <functional>
#include <string>
#include <string_view>
#include <unordered_map>
#include <vector>

namespace vunify {

struct ExcludeRule {
  bool include = false;
  std::string pattern;
  std::string source;  // the file it stands in, "--exclude", or "default-exclude"
  int line = 0;
};

class ExcludeList {
 public:
  // Appends the rules of text: they come after those already there.
  void add(std::string_view text, const std::string& source);
  void add_file(const std::string& host_path);
  void add_shipped();  // guest/default-exclude
  void add(const ExcludeList& other);
  bool is_empty() const { return rules_.empty(); }

  // The rule that decides about path, or nullptr. Cheap enough to ask for every file of a host: patterns are
  // looked up by what a path must begin or end with, and only those with "?", "[" or "\" go through fnmatch.
  const ExcludeRule* first_match(std::string_view path) const;
  bool excludes(std::string_view path) const {
    const auto* rule = first_match(path);
    return rule != nullptr && !rule->include;
  }

 private:
  struct Hash : std::hash<std::string_view> {
    using is_transparent = void;
  };
  // A pattern with no other wildcard than "*": what a path begins and ends with, and holds between, in this order.
  struct Pieces {
    std::string prefix;
    std::vector<std::string> middle;
    std::string suffix;
    std::size_t index = 0;  // the rule's place: the lowest that matches wins
    bool match(std::string_view path) const;
  };
  static Pieces split(std::string_view pattern, std::size_t index);
  void file_rule(std::size_t index);
  static std::size_t first_of(const std::vector<Pieces>& rules, std::string_view path, std::size_t best);
  std::size_t first_general(std::string_view path, std::size_t best) const;

  std::vector<ExcludeRule> rules_;
  // Every rule is filed in one of these, in rising order of its index.
  std::unordered_map<std::string, std::size_t, Hash, std::equal_to<>> literal_;
  std::array<std::vector<Pieces>, 256> by_second_byte_;  // of the prefix: paths all begin with "/"
  std::array<std::vector<Pieces>, 256> by_last_byte_;    // of the suffix, where there is no such prefix
  std::vector<Pieces> anywhere_;                         // "*", "/*", "*/__db.*"
  std::vector<std::size_t> general_;
};

// Of a path from the guest's root, without a leading slash: the rule that leaves it out, or a directory above it, which
// then is not entered. nullptr: it is not left out.
const ExcludeRule* excluding_rule(const ExcludeList& exclude, const std::string& path);

}  // namespace vunify
