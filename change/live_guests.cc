// SPDX-License-Identifier: Apache-2.0
#include "change/live_guests.h"

#include "guest/adopted.h"
#include "sys/directory.h"
#include "sys/root_dir.h"

namespace vunify {

const LiveGuests::Known& LiveGuests::known(const std::string& root) {
  const auto found = known_.find(root);
  return found != known_.end() ? found->second : known_.emplace(root, look_up(root)).first->second;
}

LiveGuests::Known LiveGuests::look_up(const std::string& root) const {
  try {
    const auto place = find_guest(root, mounts_);
    if (!place.is_adopted()) return {};
    const RootDir dir(place.root);
    if (!place.is_mounted && lock_shared(dir.fd())) return {};
    return {true, LiveGuest::find(dir.fd())};
  } catch (const std::system_error&) {
    return {};  // it is gone, or no directory: as recovery finds it
  }
}

}  // namespace vunify
