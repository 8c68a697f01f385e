// SPDX-License-Identifier: Apache-2.0
// A guest that is to be cloned stands still: nobody lives in it, and systemd-nspawn begins no other there.
#pragma once

#include <optional>
#include <string>

#include "guest/guest.h"
#include "sys/lock_file.h"

namespace vunify {

class StillSource {
 public:
  // runs: its provider says so. lock: false where nothing is to be made or changed. guest outlives this.
  StillSource(const Guest& guest, bool runs, bool lock);

  // Why it does not stand still, now; empty where it does.
  std::string why_not() const;

 private:
  const Guest& guest_;
  bool runs_;
  std::optional<LockFile> lock_;
  bool is_locked_elsewhere_;
};

}  // namespace vunify
