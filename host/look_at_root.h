// SPDX-License-Identifier: Apache-2.0
// One root that a provider told of, looked at by itself: is it there, whose is it, and on a filesystem of its own? What
// it is beside the others is asked later (host/check_roots.h).
#pragma once

#include <optional>
#include <string>
#include <vector>

#include "guest/adopted.h"
#include "host/told.h"
#include "host/way.h"
#include "sys/inode.h"
#include "sys/mount.h"

namespace vunify {

// A root, followed on the host.
struct Root {
  Followed way;
  GuestPlace place;
  Inode inode, above;  // of its tree, and of the directory that this is in
};

struct Looked {
  ToldGuest told;
  std::optional<Root> root{};  // nothing where it has none, or is left alone

  HostGuest& guest() { return told.guest; }
  const HostGuest& guest() const { return told.guest; }
};

// Where it leads, as far as it does.
std::string resolved(const std::string& path);

[[noreturn]] void object(const ToldGuest& told, const std::string& reason);  // throws Misconfigured

class Looking {
 public:
  // config: the directory that tells of vservers.
  explicit Looking(const std::string& config) : mounts_(read_mounts()), config_(resolved(config)) {}

  // Follows its root. Throws Misconfigured where it cannot be reached.
  Looked open(ToldGuest told) const;
  // What can be said of it without the others. Throws Misconfigured.
  void check(Looked& one) const;

 private:
  std::optional<Root> open_root(const ToldGuest& told) const;
  void expect_outside_configuration(const ToldGuest& told, const GuestPlace& place) const;
  void tell_own_filesystem(HostGuest& guest, const Root& root) const;

  const std::vector<Mount> mounts_;
  const std::string config_;
};

}  // namespace vunify
