// SPDX-License-Identifier: Apache-2.0
// Which guests a vcow shows now, by their roots as a journal has them, and whether it can be asked. Looked up once.
#pragma once

#include <map>
#include <memory>
#include <string>

#include "guest/live_guest.h"
#include "sys/mount.h"

namespace vunify {

class LiveGuests {
 public:
  // nullptr: no vcow shows it, or it is not there.
  const LiveGuest* at(const std::string& root) { return known(root).live.get(); }
  // One does, and cannot be asked: it would not know of what is done natively.
  bool is_left_alone(const std::string& root) { return known(root).is_shown && !known(root).live; }

 private:
  struct Known {
    bool is_shown = false;
    std::shared_ptr<const LiveGuest> live{};
  };
  const Known& known(const std::string& root);
  Known look_up(const std::string& root) const;

  std::vector<Mount> mounts_ = read_mounts();
  std::map<std::string, Known> known_;
};

}  // namespace vunify
