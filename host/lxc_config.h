// SPDX-License-Identifier: Apache-2.0
// An LXC configuration (lxc.container.conf(5)), and the keys of LXC 1 and 2: as much of it as tells where the tree is,
// and who owns it. Read as data; what it includes is read like itself.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "host/host_guest.h"

namespace vunify {

struct LxcSetting {
  std::string key;
  std::string value;  // without blanks and quotes around it
  int line = 0;
};

// The lines that begin with `lxc.`, in their order. Throws Misconfigured at one without a `=`.
std::vector<LxcSetting> read_lxc_settings(std::string_view text, const std::string& file);

struct LxcConfig {
  std::string root;                          // lxc.rootfs.path, with its prefix; the last one counts
  Mistake root_at{};                         // where that stands, without a reason
  bool is_idmapped = false;                  // lxc.rootfs.options: owners are as on the host, whatever the mapping is
  std::optional<std::uint32_t> root_user{};  // whom root is mapped to; nothing: to nobody else
};

inline constexpr int most_lxc_files = 256;  // of one guest's configuration

// With all that it includes: files, and the *.conf of directories; a relative path begins where the file is. Throws
// Misconfigured for a file that includes itself, for too many of them, and as read_config() does.
LxcConfig read_lxc_config(const std::string& path);

// Where the tree is, by its prefix.
struct LxcRoot {
  std::string kind{};                 // "dir", "btrfs", "overlay", "zfs", "loop", ...; "dir" where there is none
  std::vector<std::string> places{};  // one; of an overlay its layers, the uppermost last
};
LxcRoot parse_lxc_root(std::string_view value);

}  // namespace vunify
