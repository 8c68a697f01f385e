// SPDX-License-Identifier: Apache-2.0
// A guest as the configuration of this host tells of it: who it is, where its tree is, and by which rules it is
// unified. Nothing that the guest itself can write is believed for it.
#pragma once

#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "guest/exclude.h"
#include "guest/protection.h"

namespace vunify {

// How a guest is unified, where its configuration says so: apps/vunify/ of util-vserver.
struct UnifyConfig {
  // The guest's own list, or the default one; the shipped one, which all have in common, where neither is.
  std::shared_ptr<const ExcludeList> exclude{};
  std::optional<Protection> protect{};    // nothing: auto
  std::string group{};                    // guests share only within one; empty is one, too
  std::vector<std::string> refservers{};  // names of guests, in the order in which keepers are taken from them
  bool packages = true;                   // what its package manager calls configuration is never shared
};

struct HostGuest {
  std::string provider;  // "vserver", "nspawn", "lxc", "schroot", "libvirt-lxc", "incus", "lxd", "podman"
  std::string name;      // as its provider has it
  std::string root;      // of its tree: an absolute path on the host; empty where there is none
  std::string config;    // the file or directory that tells of it
  std::optional<std::uint32_t> xid{};
  UnifyConfig unify{};
  std::string left_alone{};               // why nothing of it can be unified; empty: it can
  std::string no_links{};                 // why its data may be shared but not its inodes; empty: both may
  std::vector<std::string> also_known{};  // as "provider:name", where others have the same root
};

// What is wrong with a configuration: the guest that it is about is skipped.
struct Mistake {
  std::string file;
  int line = 0;  // from 1; 0: the file as a whole
  std::string reason;
};

struct HostGuests {
  std::vector<HostGuest> guests;
  std::vector<Mistake> mistakes;
};

}  // namespace vunify
