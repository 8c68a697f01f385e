// SPDX-License-Identifier: Apache-2.0
#include "tools/limit_words.h"

#include <fmt/format.h>

#include <algorithm>
#include <sstream>
#include <stdexcept>

#include "host/dlimits.h"

namespace vunify {
namespace {

bool is_space(const std::string& name) { return name.starts_with("space_"); }

std::uint64_t most_of(const std::string& name) {
  if (name == "reserved") return whole_percent;
  return is_space(name) ? most_kib : most_kib * kib;
}

// What it has to be.
std::string number_of(const std::string& name) {
  if (name == "reserved") return "a percentage, 0 to 100";
  const std::string unit = is_space(name) ? "a number of KiB" : "a number";
  return name.ends_with("_total") ? unit + ", or -1 for no limit" : unit;
}

std::uint64_t value_of(const std::string& name, const std::string& text) {
  const auto number = parse_limit(text, most_of(name));
  const bool may_be_infinite = name.ends_with("_total");
  if (!number || (number->is_infinite && !may_be_infinite))
    throw std::invalid_argument(name + ": not " + number_of(name));
  if (number->is_infinite) return no_limit;
  return is_space(name) ? number->number * kib : number->number;
}

std::string word(std::uint64_t value, std::uint64_t unit) {
  return value == no_limit ? "-1" : std::to_string(value / unit);
}

}  // namespace

void WantedWords::take(const std::string& given) {
  std::istringstream all(given);
  for (std::string one; std::getline(all, one, ',');) take_word(one);
}

void WantedWords::take_word(const std::string& one) {
  const auto equals = one.find('=');
  const auto name = one.substr(0, equals);
  if (std::ranges::find(limit_words, name) == limit_words.end()) throw std::invalid_argument(name + ": no such limit");
  if (equals == std::string::npos) throw std::invalid_argument(name + ": a number is missing");
  if (!values_.emplace(name, value_of(name, one.substr(equals + 1))).second)
    throw std::invalid_argument(name + ": given twice");
}

void WantedWords::check() const {
  for (const auto* what : {"space", "inodes"}) {
    const auto used = values_.find(std::string(what) + "_used"), total = values_.find(std::string(what) + "_total");
    if (used != values_.end() && total != values_.end() && used->second > total->second)
      throw std::invalid_argument(std::string(what) + ": more is used than there is");
  }
}

Limit WantedWords::on(const Limit& limit) const {
  auto wanted = limit;
  if (const auto found = values_.find("space_total"); found != values_.end()) wanted.total.space = found->second;
  if (const auto found = values_.find("inodes_total"); found != values_.end()) wanted.total.inodes = found->second;
  if (const auto found = values_.find("reserved"); found != values_.end())
    wanted.reserved = static_cast<std::uint8_t>(found->second);
  return wanted;
}

Amount WantedWords::used() const {
  const auto value = [&](const char* name) { return values_.contains(name) ? values_.at(name) : 0; };
  return {value("space_used"), value("inodes_used")};
}

std::string to_words(const Amount& used, const Limit& limit) {
  return fmt::format("space_used={}\nspace_total={}\ninodes_used={}\ninodes_total={}\nreserved={}\n",
                     word(used.space, kib), word(limit.total.space, kib), word(used.inodes, 1),
                     word(limit.total.inodes, 1), limit.reserved);
}

}  // namespace vunify
