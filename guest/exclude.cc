// SPDX-License-Identifier: Apache-2.0
// Nearly every rule people write is a plain path or has a single "*". Those are filed by a byte that a path must have,
// so that a path is compared with a handful of them; what is left is asked of fnmatch.
#include "guest/exclude.h"

#include <fcntl.h>
#include <fnmatch.h>

#include <algorithm>

#include "sys/fd.h"

namespace vunify {
namespace {

constexpr std::string_view shipped_text =
#include "default_exclude.inc"
    ;

constexpr std::size_t no_rule = static_cast<std::size_t>(-1);

std::size_t byte(char c) { return static_cast<unsigned char>(c); }

std::string_view without_trailing_blanks(std::string_view line) {
  const auto last = line.find_last_not_of(" \t\r");
  return last == std::string_view::npos ? std::string_view() : line.substr(0, last + 1);
}

bool has_any(std::string_view text, const char* wildcards) {
  return text.find_first_of(wildcards) != std::string_view::npos;
}

}  // namespace

void ExcludeList::add(std::string_view text, const std::string& source) {
  for (int line = 1; !text.empty(); ++line) {
    const auto end = std::min(text.find('\n'), text.size());
    auto pattern = without_trailing_blanks(text.substr(0, end));
    text.remove_prefix(std::min(end + 1, text.size()));
    if (pattern.starts_with('#')) continue;
    const bool include = pattern.starts_with('+');
    if (include || pattern.starts_with('-') || pattern.starts_with('~')) pattern.remove_prefix(1);
    if (pattern.empty()) continue;
    rules_.push_back({include, std::string(pattern), source, line});
    file_rule(rules_.size() - 1);
  }
}

void ExcludeList::add_file(const std::string& host_path) {
  add(read_all(open_host(host_path, O_RDONLY).get(), host_path), host_path);
}

void ExcludeList::add_shipped() { add(shipped_text, "default-exclude"); }

void ExcludeList::add(const ExcludeList& other) {
  for (const auto& rule : other.rules_) {
    rules_.push_back(rule);
    file_rule(rules_.size() - 1);
  }
}

// A "*" takes as little as it can: what a piece may match further on, it may match at its first place as well.
bool ExcludeList::Pieces::match(std::string_view path) const {
  if (path.size() < prefix.size() + suffix.size()) return false;
  if (!path.ends_with(suffix) || !path.starts_with(prefix)) return false;
  path.remove_suffix(suffix.size());
  path.remove_prefix(prefix.size());
  for (const auto& piece : middle) {
    const auto at = path.find(piece);
    if (at == std::string_view::npos) return false;
    path.remove_prefix(at + piece.size());
  }
  return true;
}

ExcludeList::Pieces ExcludeList::split(std::string_view pattern, std::size_t index) {
  const auto first = pattern.find('*'), last = pattern.rfind('*');
  Pieces pieces{std::string(pattern.substr(0, first)), {}, std::string(pattern.substr(last + 1)), index};
  for (auto at = first; at < last;) {
    const auto next = pattern.find('*', at + 1);
    if (next > at + 1) pieces.middle.emplace_back(pattern.substr(at + 1, next - at - 1));
    at = next;
  }
  return pieces;
}

void ExcludeList::file_rule(std::size_t index) {
  const std::string& pattern = rules_[index].pattern;
  if (has_any(pattern, "?[\\")) return general_.push_back(index);
  if (!has_any(pattern, "*")) {
    literal_.emplace(pattern, index);  // an equal one before it stays
    return;
  }
  Pieces pieces = split(pattern, index);
  if (pieces.prefix.size() > 1) return by_second_byte_[byte(pieces.prefix[1])].push_back(std::move(pieces));
  if (!pieces.suffix.empty()) return by_last_byte_[byte(pieces.suffix.back())].push_back(std::move(pieces));
  anywhere_.push_back(std::move(pieces));
}

std::size_t ExcludeList::first_of(const std::vector<Pieces>& rules, std::string_view path, std::size_t best) {
  for (const auto& pieces : rules) {
    if (pieces.index >= best) break;
    if (pieces.match(path)) return pieces.index;
  }
  return best;
}

std::size_t ExcludeList::first_general(std::string_view path, std::size_t best) const {
  if (general_.empty() || general_.front() >= best) return best;
  const std::string terminated(path);
  for (const auto index : general_) {
    if (index >= best) break;
    if (::fnmatch(rules_[index].pattern.c_str(), terminated.c_str(), 0) == 0) return index;
  }
  return best;
}

const ExcludeRule* ExcludeList::first_match(std::string_view path) const {
  const auto found = literal_.find(path);
  std::size_t best = found == literal_.end() ? no_rule : found->second;
  if (path.size() > 1) best = first_of(by_second_byte_[byte(path[1])], path, best);
  if (!path.empty()) best = first_of(by_last_byte_[byte(path.back())], path, best);
  best = first_of(anywhere_, path, best);
  best = first_general(path, best);
  return best == no_rule ? nullptr : &rules_[best];
}

const ExcludeRule* excluding_rule(const ExcludeList& exclude, const std::string& path) {
  for (auto end = path.find('/'); end != std::string::npos; end = path.find('/', end + 1)) {
    const auto* above = exclude.first_match("/" + path.substr(0, end));
    if (above != nullptr && !above->include) return above;
  }
  const auto* rule = exclude.first_match("/" + path);
  return rule != nullptr && !rule->include ? rule : nullptr;
}

}  // namespace vunify
