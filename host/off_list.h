// SPDX-License-Identifier: Apache-2.0
// The guests that an admin took out with `vunify -R NAME`: `--all` passes them by until they are named again. A guest
// is off by its root (host/root_key.h), so that it stays off under another name, and by its name, so that it stays off
// when it was restored from a backup: where in doubt a guest is left alone.
#pragma once

#include <optional>
#include <string>
#include <vector>

#include "guest/state_dir.h"
#include "host/host_guest.h"
#include "sys/mount.h"

namespace vunify {

class OffList {
 public:
  // As it was kept in a state directory; empty where there is none. Throws std::runtime_error where it is damaged.
  explicit OffList(const std::string& state_dir);

  bool is_off(const HostGuest& guest) const;
  std::vector<std::string> names() const;  // "provider:name" of each
  // Both last from the next keep() on.
  void set_off(const HostGuest& guest);
  void set_on(const HostGuest& guest);

  // On disk when it returns; throws for a full disk, and the old one stays. state: locked by the caller.
  void keep(const StateDir& state) const;

 private:
  struct Entry {
    std::string root;  // "-": it was not there
    std::string name;  // "provider:name", as a word
  };
  Entry entry_of(const HostGuest& guest) const;
  static bool is_of(const Entry& one, const Entry& other);  // one guest

  std::vector<Mount> mounts_;
  std::vector<Entry> entries_;
};

}  // namespace vunify
