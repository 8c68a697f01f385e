// SPDX-License-Identifier: Apache-2.0
#include "tools/quota_words.h"

#include <charconv>
#include <sstream>
#include <stdexcept>

namespace vunify {
namespace {

constexpr std::uint64_t most = ~std::uint64_t{0} >> 2;  // so that sums can be had

// The power that a letter stands for.
std::optional<int> power_of(const std::string& letters, const std::string& suffix) {
  if (suffix.empty()) return 0;
  const auto at = suffix.size() == 1 ? letters.find(suffix.front()) : std::string::npos;
  return at == std::string::npos ? std::nullopt : std::optional(static_cast<int>(at / 2) + 1);
}

std::uint64_t number_of(const std::string& text, std::uint64_t step, const std::string& letters) {
  if (text == "-1") return no_limit;
  std::uint64_t number = 0;
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), number);
  const auto power = power_of(letters, std::string(end, text.data() + text.size()));
  if (error != std::errc() || !power)
    throw std::invalid_argument(text + ": not a number, with one of " + letters + " or none, or -1 for no limit");
  for (int i = 0; i < *power; ++i) {
    if (number > most / step) throw std::invalid_argument(text + ": too much");
    number *= step;
  }
  if (number > most) throw std::invalid_argument(text + ": too much");
  return number;
}

}  // namespace

void QuotaWords::take(const std::string& given) {
  std::istringstream all(given);
  for (std::string one; std::getline(all, one, ',');) take_word(one);
}

void QuotaWords::take_word(const std::string& word) {
  const auto equals = word.find('=');
  const auto name = word.substr(0, equals);
  const bool is_space = name == "space";
  if (!is_space && name != "inodes") throw std::invalid_argument(name + ": no such limit");
  if (equals == std::string::npos) throw std::invalid_argument(name + ": a number is missing");
  auto& value = is_space ? space_ : inodes_;
  if (value) throw std::invalid_argument(name + ": given twice");
  const auto text = word.substr(equals + 1);
  value = is_space ? number_of(text, 1024, "kKmMgGtT") : number_of(text, 1000, "kKmM");
}

}  // namespace vunify
