// SPDX-License-Identifier: Apache-2.0
#include "tools/one_guest.h"

#include <filesystem>

#include "host/providers.h"
#include "tools/choose.h"
#include "tools/cli.h"
#include "tools/named_guest.h"
#include "tools/text.h"

namespace vunify {

void refuse_guest(const std::string& named, const std::string& reason) {
  throw Failed(Exit::refused, printable(named) + ": " + one_line(reason));
}

HostGuest find_host_guest(const std::string& name, const std::string& config) {
  const auto host = host_guests(config, {});
  const auto& guest = find_named(name, host);
  if (!guest.left_alone.empty()) refuse_guest(name, guest.left_alone);
  return guest;
}

std::vector<std::string> guest_roots_of(const std::string& config) {
  std::vector<std::string> roots;
  for (const auto& guest : host_guests(config, {}).guests)
    if (!guest.root.empty()) roots.push_back(guest.root);
  return roots;
}

std::string root_named(const std::string& word, const HostGuests& host) {
  std::error_code unseen;
  if (is_directory_word(word)) return word;
  if (seek_named(word, host) == nullptr && std::filesystem::is_directory(word, unseen)) return word;
  const auto& guest = find_named(word, host);
  if (guest.root.empty()) refuse_guest(word, guest.left_alone);
  return guest.root;
}

std::string root_named(const std::string& word, const std::string& config) {
  if (is_directory_word(word)) return word;
  return root_named(word, find_host_guests(config));
}

Guest open_guest(const std::string& root) {
  auto opened = open_guests(std::vector{root});
  if (!opened.refused.empty()) refuse_guest(opened.refused[0].path, opened.refused[0].reason);
  return std::move(opened.guests.front());
}

std::string resolve_new(const std::string& named) {
  auto path = std::filesystem::absolute(named).lexically_normal();
  if (!path.has_filename()) path = path.parent_path();
  std::error_code failed;
  const auto parent = std::filesystem::canonical(path.parent_path(), failed);
  if (failed) throw Failed(Exit::usage, printable(named) + ": " + failed.message());
  return parent / path.filename();
}

}  // namespace vunify
