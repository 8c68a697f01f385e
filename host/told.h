// SPDX-License-Identifier: Apache-2.0
// What a provider says of its guests, before anybody has looked at their roots (host/check_roots.h).
#pragma once

#include <cstdint>
#include <functional>
#include <string>
#include <vector>

#include "host/host_guest.h"

namespace vunify {

// Why a guest is left alone, in whole or where inodes are concerned, whoever runs it.
namespace reason {
inline constexpr auto incomplete = "not complete";
inline constexpr auto overlay = "overlay: its layers are shared already and must not change while mounted";
inline constexpr auto image = "an image: mount it and name the directory";
inline constexpr auto own_filesystem = "a filesystem of its own";
inline constexpr auto own_subvolume = "own subvolume: data can be shared, inodes not";
inline constexpr auto user_owned = "a user's own LXC path";
inline std::string shifted(std::uint32_t by) {
  return "owners shifted by " + std::to_string(by) + ": idmapped mounts or reflink";
}
}  // namespace reason

struct ToldGuest {
  HostGuest guest;                    // its root as it is configured
  std::string file{};                 // that names the root
  std::string way{};                  // by which it is come by, where its path does not tell: a vserver's vdir
  int line = 0;                       // in it; 0: the file as a whole
  std::uint32_t owner = 0;            // whom its root user is on disk, where that is not the host's
  std::vector<std::string> layers{};  // of its overlay, whether or not that is mounted
};

struct Told {
  std::vector<ToldGuest> guests;
  std::vector<Mistake> mistakes;

  // Reads one guest, or one file of several: what is wrong with it is one mistake, and ends nothing else. file: that is
  // told where the system's error names none.
  void add(const std::string& file, const std::function<void()>& read);
};

}  // namespace vunify
