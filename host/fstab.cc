// SPDX-License-Identifier: Apache-2.0
#include "host/fstab.h"

#include <fcntl.h>

#include <algorithm>
#include <array>
#include <filesystem>
#include <optional>
#include <sstream>

#include "guest/adopted.h"
#include "sys/fd.h"

namespace vunify {
namespace {

// mount(8), "filesystem-independent mount options": what no filesystem is told.
constexpr std::array<std::string_view, 11> of_mount = {"auto",  "noauto", "nofail", "_netdev",  "user", "nouser",
                                                       "users", "owner",  "group",  "defaults", "rw"};

bool is_of_mount(const std::string& option) {
  return option.starts_with("x-") || option.starts_with("X-") || option.starts_with("comment=") ||
         std::ranges::find(of_mount, option) != of_mount.end();
}

std::string path_in(const std::string& field) {
  auto path = unescape_path(field);
  while (path.size() > 1 && path.ends_with('/')) path.pop_back();
  return path;
}

void take_options(const std::string& field, FstabLine& line) {
  std::istringstream all(unescape_path(field));
  for (std::string option; std::getline(all, option, ',');) {
    if (option == "noauto") line.is_at_boot = false;
    if (!is_of_mount(option)) line.options.push_back(option);
  }
}

std::optional<FstabLine> parse(const std::string& text) {
  std::istringstream fields(text);
  std::string source, point, type, options;
  if (!(fields >> source >> point >> type >> options) || source.starts_with('#') || type != vcow_type)
    return std::nullopt;
  FstabLine line{.source = path_in(source), .point = path_in(point), .options = {}};
  take_options(options, line);
  return line;
}

}  // namespace

std::vector<FstabLine> vcow_lines(const std::string& fstab) {
  std::error_code unseen;
  if (!std::filesystem::exists(fstab, unseen)) return {};
  std::istringstream text(read_all(open_host(fstab, O_RDONLY).get(), fstab));
  std::vector<FstabLine> lines;
  for (std::string line; std::getline(text, line);)
    if (auto parsed = parse(line)) lines.push_back(std::move(*parsed));
  return lines;
}

}  // namespace vunify
