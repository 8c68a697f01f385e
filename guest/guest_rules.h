// SPDX-License-Identifier: Apache-2.0
// What is a guest's own in how it is unified: what of it is never shared, under which protection, and with whom.
#pragma once

#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <unordered_set>

#include "guest/exclude.h"
#include "guest/protection.h"

namespace vunify {

inline constexpr std::uint32_t no_refserver = ~std::uint32_t{0};

struct GuestRules {
  std::shared_ptr<const ExcludeList> exclude{};  // nothing is excluded where there is none
  bool packages = true;                          // what its package manager calls configuration is never shared
  std::unordered_set<std::string> conffiles{};   // paths that its package manager calls configuration, from "/" on
  std::string conffiles_unknown{};               // why they are not known: then all of /etc is configuration
  std::optional<Protection> protect{};           // nothing: auto
  std::string group{};                           // it shares with guests of the same group only; empty is one, too
  std::optional<std::unordered_set<std::string>> asked{};  // the only paths that may come to be shared; nothing: all
  std::uint32_t refserver = no_refserver;                  // the lower, the sooner a keeper is taken from it
  bool is_reference = false;                               // walked for what the others of this run can have of it

  // Of a path from the guest's root, beginning with "/".
  bool excludes(std::string_view path) const { return exclude != nullptr && exclude->excludes(path); }
  bool is_asked(const std::string& path) const { return !asked || asked->contains(path); }
  // Of a regular file's: a directory of this name is none.
  bool is_conffile(const std::string& path) const {
    return conffiles_unknown.empty() ? conffiles.contains(path) : path.starts_with("/etc/");
  }
};

}  // namespace vunify
