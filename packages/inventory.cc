// SPDX-License-Identifier: Apache-2.0
#include "packages/inventory.h"

#include <algorithm>
#include <climits>
#include <stdexcept>

namespace vunify {
namespace {

constexpr std::size_t most_conffiles = 100'000;  // a full Debian has some thousands, Alpine all that is in etc
constexpr std::size_t most_conffile_bytes = 32 << 20;
constexpr std::size_t most_files = 3'000'000;
constexpr std::size_t most_file_bytes = 128 << 20;

bool is_name(std::string_view component) { return !component.empty() && component != "." && component != ".."; }

}  // namespace

std::optional<std::string> clean_path(std::string_view path) {
  if (path.starts_with('/')) path.remove_prefix(1);
  if (path.size() >= PATH_MAX || path.find('\0') != std::string_view::npos) return std::nullopt;
  for (std::size_t at = 0; at <= path.size();) {
    const auto end = std::min(path.find('/', at), path.size());
    if (!is_name(path.substr(at, end - at))) return std::nullopt;
    at = end + 1;
  }
  return std::string(path);
}

void Inventory::add_conffile(std::string_view path) {
  auto clean = clean_path(path);
  if (!clean || conffiles.contains(*clean)) return;
  conffile_bytes_ += clean->size();
  if (conffiles.size() == most_conffiles || conffile_bytes_ > most_conffile_bytes)
    throw std::runtime_error("too many configuration files");
  conffiles.insert(std::move(*clean));
}

void Inventory::add_file(Package& package, std::string_view path) {
  auto clean = clean_path(path);
  if (!clean) return;
  file_bytes_ += clean->size();
  if (++files_ > most_files || file_bytes_ > most_file_bytes) throw std::runtime_error("too many files");
  package.files.push_back(std::move(*clean));
}

}  // namespace vunify
