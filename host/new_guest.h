// SPDX-License-Identifier: Apache-2.0
// A guest that is to be like one that is there, as its provider knows it: where its tree is to be, and what its
// configuration says. For vserver, nspawn and LXC; what names the old guest, or would make two of one address, is not
// taken along.
#pragma once

#include <string>
#include <vector>

#include "host/host_guest.h"

namespace vunify {

struct NewGuest {
  std::string path;      // of the directory that is to be made
  std::string inside{};  // its tree's name in there; empty: it is its tree
};

// Letters, digits, - _ and . only: what every provider takes.
bool is_guest_name(const std::string& name);

// Throws std::invalid_argument, a reason, where name is none for a guest, a configuration of that name is there, or the
// provider is none of the three.
NewGuest place_new_guest(const HostGuest& like, const std::string& name);

// Of the new guest's directory, before it is in its place: the configuration that lies beside the tree (LXC).
void furnish_new_guest(const HostGuest& like, const std::string& name, int dir);
// Once it is there: the configuration that lies elsewhere, complete when it appears. Throws EEXIST where somebody made
// one meanwhile. Returns what of the old one was not taken along.
std::vector<std::string> write_new_config(const HostGuest& like, const std::string& name, const std::string& root);

// The text of an LXC configuration for another name and directory; each hardware address is a new one, of LXC's own
// (00:16:3e).
std::string lxc_config_for(const std::string& text, const std::string& old_dir, const std::string& new_dir,
                           const std::string& name);

}  // namespace vunify
