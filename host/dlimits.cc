// SPDX-License-Identifier: Apache-2.0
#include "host/dlimits.h"

#include <charconv>

#include "host/config_file.h"

namespace vunify {
namespace {

constexpr unsigned whole = 100;

std::string read_line(const std::string& file) {
  const auto line = read_first_line(file);
  if (!line || line->empty()) throw Misconfigured(file, "is missing, or empty");
  return *line;
}

LimitNumber read_number(const std::string& file, std::uint64_t most) {
  const auto number = parse_limit(read_line(file), most);
  if (!number) throw Misconfigured({file, 1, "is no limit"});
  return *number;
}

std::optional<std::uint64_t> finite(const LimitNumber& number) {
  return number.is_infinite ? std::nullopt : std::optional(number.number);
}

DiskLimit read_dlimit(const std::string& directory) {
  DiskLimit limit;
  limit.directory = read_line(directory + "/directory");
  if (!limit.directory.starts_with('/')) throw Misconfigured({directory + "/directory", 1, "is no absolute path"});
  limit.space_kib = finite(read_number(directory + "/space_total", most_kib));
  limit.inodes = finite(read_number(directory + "/inodes_total", most_kib));
  const auto reserved = read_number(directory + "/reserved", whole);
  if (reserved.is_infinite) throw Misconfigured({directory + "/reserved", 1, "is no percentage"});
  limit.reserved = static_cast<unsigned>(reserved.number);
  return limit;
}

}  // namespace

std::optional<LimitNumber> parse_limit(std::string_view text, std::uint64_t most) {
  if (text == "-1") return LimitNumber{true, 0};
  int base = 10;
  if (text.starts_with("0x") || text.starts_with("0X"))
    base = 16, text.remove_prefix(2);
  else if (text.size() > 1 && text.starts_with('0'))
    base = 8;
  LimitNumber number;
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), number.number, base);
  if (text.empty() || error != std::errc() || end != text.data() + text.size() || number.number > most)
    return std::nullopt;
  return number;
}

std::vector<DiskLimit> read_dlimits(const std::string& config) {
  std::vector<DiskLimit> limits;
  const auto all = config + "/dlimits";
  if (!is_there(all)) return limits;
  for (const auto& name : config_names(all))
    if (!is_there(all + "/" + name + "/disabled")) limits.push_back(read_dlimit(all + "/" + name));
  return limits;
}

}  // namespace vunify
