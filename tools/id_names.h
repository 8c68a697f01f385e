// SPDX-License-Identifier: Apache-2.0
// What a guest calls its users and groups: its etc/passwd and etc/group, read as data.
#pragma once

#include <map>
#include <optional>
#include <string>
#include <vector>

#include "account/whose.h"
#include "sys/root_dir.h"

namespace vunify {

class IdNames {
 public:
  // At most 1 MiB of each file, which may be a symlink in the guest. Where one cannot be read its ids have no names.
  explicit IdNames(const RootDir& root);

  // What stands first, as for getpwuid(3) and getpwnam(3): any bytes.
  std::optional<std::string> name(Whose whose) const;
  std::optional<Whose> find(Whose::Kind kind, const std::string& name) const;
  // Why there are none: "etc/passwd: too large".
  const std::vector<std::string>& unread() const { return unread_; }

 private:
  void read(const RootDir& root, const std::string& path, Whose::Kind kind);

  std::map<Whose, std::string> names_;
  std::map<std::pair<Whose::Kind, std::string>, std::uint32_t> ids_;
  std::vector<std::string> unread_;
};

// A whole number that can own something.
std::optional<std::uint32_t> parse_id(std::string_view text);

}  // namespace vunify
