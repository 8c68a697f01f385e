// SPDX-License-Identifier: Apache-2.0
#include "tools/hashed_paths.h"

#include <filesystem>
#include <stdexcept>

#include "host/kept_lines.h"
#include "tools/cli.h"
#include "tools/text.h"

namespace vunify {
namespace {

// "PATH LIST", as words; "-" is no list.
constexpr auto leaf = "hashed-paths";

std::string to_line(const HashedPath& hashed) {
  return to_word(hashed.path) + " " + (hashed.list.empty() ? "-" : to_word(hashed.list));
}

HashedPath from_line(const std::string& line) {
  const auto blank = line.find(' ');
  const auto list = line.substr(blank + 1);
  return {from_word(line.substr(0, blank)), list == "-" ? "" : from_word(list)};
}

bool is_there(const HashedPath& hashed) {
  std::error_code unseen;
  return std::filesystem::is_directory(hashed.path, unseen) &&
         (hashed.list.empty() || std::filesystem::exists(hashed.list, unseen));
}

}  // namespace

HashedPath hashed_path(const std::string& path, const std::string& list) {
  return {std::filesystem::canonical(path), list.empty() ? "" : std::filesystem::canonical(list).string()};
}

std::vector<HashedPath> other_hashed_paths(const std::string& directory, const std::string& path) {
  std::vector<HashedPath> others;
  try {
    for (const auto& line : kept_lines(directory + "/" + leaf, "remove it, and call vhashify for each tree again"))
      if (auto hashed = from_line(line); hashed.path != path && is_there(hashed)) others.push_back(std::move(hashed));
  } catch (const std::runtime_error& damage) {
    throw Failed(Exit::fatal, one_line(damage.what()));
  }
  return others;
}

void keep_hashed_path(const StateDir& state, const HashedPath& hashed) {
  std::vector<std::string> lines;
  for (const auto& other : other_hashed_paths(state.path(), hashed.path)) lines.push_back(to_line(other));
  lines.push_back(to_line(hashed));
  keep_lines(state, leaf, lines);
}

}  // namespace vunify
