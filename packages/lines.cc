// SPDX-License-Identifier: Apache-2.0
#include "packages/lines.h"

#include <algorithm>

namespace vunify {
namespace {

constexpr auto blanks = " \t\r\n";

}  // namespace

std::string_view take_until(std::string_view& text, char end) {
  const auto at = std::min(text.find(end), text.size());
  const auto taken = text.substr(0, at);
  text.remove_prefix(std::min(at + 1, text.size()));
  return taken;
}

std::string_view take_last_word(std::string_view& text) {
  text = without_blanks(text);
  const auto blank = text.find_last_of(blanks);
  const auto word = blank == std::string_view::npos ? text : text.substr(blank + 1);
  text = without_blanks(text.substr(0, text.size() - word.size()));
  return word;
}

std::string_view without_blanks(std::string_view text) {
  const auto first = text.find_first_not_of(blanks);
  if (first == std::string_view::npos) return {};
  return text.substr(first, text.find_last_not_of(blanks) - first + 1);
}

std::string_view without_quotes(std::string_view text) {
  const bool is_quoted = text.size() > 1 && (text[0] == '"' || text[0] == '\'') && text.back() == text[0];
  return is_quoted ? text.substr(1, text.size() - 2) : text;
}

}  // namespace vunify
