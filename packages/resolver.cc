// SPDX-License-Identifier: Apache-2.0
#include "packages/resolver.h"

#include <fcntl.h>

#include <stdexcept>
#include <vector>

#include "packages/lines.h"
#include "sys/at.h"
#include "sys/inode.h"

namespace vunify {
namespace {

constexpr int most_links = 40;                 // path_resolution(7)
constexpr std::size_t most_bytes = 128 << 20;  // 300,000 files have 20 MB of paths

// The components of a path, those to be taken first last.
void push_components(std::vector<std::string>& rest, std::string_view path) {
  std::vector<std::string> components;
  while (!path.empty()) components.emplace_back(take_until(path, '/'));
  rest.insert(rest.end(), components.rbegin(), components.rend());
}

}  // namespace

std::string Resolver::name(std::string_view path) {
  const auto [parent, leaf] = split_path(path);
  if (parent.empty()) return std::string(path);
  const std::string written(parent);
  auto found = directories_.find(written);
  if (found == directories_.end()) found = directories_.emplace(written, follow(parent)).first;
  auto answer = join_path(found->second, leaf);
  count(answer);
  return answer;
}

std::string Resolver::file(std::string_view path) {
  auto resolved = name(path);
  return link(resolved) ? follow(resolved) : resolved;
}

std::string Resolver::follow(std::string_view path) {
  std::string at;
  std::vector<std::string> rest;
  push_components(rest, path);
  for (int links = 0; !rest.empty();) {
    const auto component = std::move(rest.back());
    rest.pop_back();
    if (component.empty() || component == ".") continue;
    if (component == "..") {
      at.resize(split_path(at).parent.size());
      continue;
    }
    auto next = join_path(at, component);
    const auto& target = directory_link(next);
    if (target && ++links > most_links) return std::string(path);
    if (!target)
      at = std::move(next);
    else if (target->starts_with('/'))
      at.clear();
    if (target) push_components(rest, *target);
  }
  return at;
}

const std::optional<std::string>& Resolver::directory_link(const std::string& path) {
  const auto found = targets_.find(path);
  if (found != targets_.end()) return found->second;
  count(path);
  return targets_.emplace(path, link(path)).first->second;
}

void Resolver::count(std::string_view kept) {
  bytes_ += kept.size();
  if (bytes_ > most_bytes) throw std::runtime_error("too many paths");
}

std::optional<std::string> Resolver::link(const std::string& path) const {
  files_.check_time();
  try {
    const Fd found = files_.root().open(path, O_PATH | O_NOFOLLOW);
    const auto inode = stat_fd(found.get());
    if (inode.is_regular() || inode.is_directory()) return std::nullopt;
    return read_link_at({found.get(), ""});
  } catch (const std::system_error& error) {
    // Not there; a mount; a symlink, where the guest moves things about; no symlink.
    for (const int number : {ENOENT, ENOTDIR, EXDEV, ELOOP, EINVAL, ENAMETOOLONG})
      if (is_error(error, number)) return std::nullopt;
    throw;
  }
}

}  // namespace vunify
