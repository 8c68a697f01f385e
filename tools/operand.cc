// SPDX-License-Identifier: Apache-2.0
#include "tools/operand.h"

#include <fcntl.h>

#include <deque>
#include <filesystem>

#include "guest/adopted.h"
#include "sys/root_dir.h"
#include "tools/numbers.h"

namespace vunify {
namespace {

namespace fs = std::filesystem;

std::deque<fs::path> steps_of(const std::string& named) {
  std::deque<fs::path> steps;
  for (const auto& step : fs::absolute(named).relative_path())
    if (!step.empty() && step != ".") steps.push_back(step);
  return steps;
}

// The guest's tree that the path is in: where it is seen, or where an adopted one lies.
std::string root_above(const fs::path& path, const HostGuest& guest) {
  const auto out = path.lexically_relative(guest.root);
  return !out.empty() && *out.begin() == ".." ? adopted_path(guest.root) : guest.root;
}

Operand open_in_guest(const std::string& named, const fs::path& path, const HostGuest& guest) {
  const auto root = root_above(path, guest);
  const auto inside = path.lexically_relative(root);
  if (inside == ".") return {named, root, open_host(root, O_PATH | O_NOFOLLOW)};
  return {named, path, RootDir(root).open(inside.string(), O_PATH | O_NOFOLLOW)};
}

}  // namespace

std::string Operand::path_of(const Found& found) const {
  std::string_view beneath = std::string_view(found.path).substr(named.size());
  if (beneath.starts_with('/')) beneath.remove_prefix(1);
  return beneath.empty() ? path : join_path(path, beneath);
}

Operand open_operand(const std::string& named, const HostGuests& host) {
  auto steps = steps_of(named);
  fs::path here = "/";
  while (steps.size() > 1 && guest_at(here, host) == nullptr) {
    here = steps.front() == ".." ? here.parent_path() : fs::canonical(here / steps.front());
    steps.pop_front();
  }
  for (const auto& step : steps) here /= step;
  here = here.lexically_normal();
  if (const auto* guest = guest_at(here, host)) return open_in_guest(named, here, *guest);
  return {named, here, open_host(here, O_PATH | O_NOFOLLOW)};
}

}  // namespace vunify
