// SPDX-License-Identifier: Apache-2.0
// Native islands: directories that a guest sees natively, each by a mount of itself over the mount of vcow, made before
// that covers it. Who works there does not meet vcow at all.
//
// No inode that others share is ever in one. None is there when it is opened; the kernel links and renames nothing from
// one mount to another; and of what lies beneath an island vcow shows nothing and takes nothing, so that whoever comes
// to the covered directory (through a bind mount, or where the island was unmounted) finds it empty. Hence nothing that
// vcow believes of a file is changed behind its back either: an inode of an island has no name elsewhere.
#pragma once

#include <sys/stat.h>

#include <string>
#include <vector>

#include "guest/guest.h"
#include "sys/fd.h"

namespace vunify {

class Islands {
 public:
  // dirs: as they are called in the guest, with a slash before; flags: mount(2)'s, which an island has beside those of
  // the mount that the guest lies on. Throws std::system_error naming the directory, or the file that has a name
  // elsewhere.
  Islands(const Guest& guest, const std::vector<std::string>& dirs, unsigned long flags);

  // Those that another program has placed.
  static Islands placed(const Guest& guest, const std::vector<std::string>& dirs);

  // Onto a mount of vcow that is being served. Once; those that were placed when it throws go with that mount.
  void place(const std::string& point);

  // Another process placed them: here, too, nothing keeps them busy any more.
  void were_placed();

  bool has(const struct stat& directory) const;
  std::string told() const;  // "/home,/srv"

 private:
  Islands() = default;
  struct Island {
    std::string path;  // without the slash
    Fd tree;
    struct stat root;
  };
  std::vector<Island> islands_;
};

}  // namespace vunify
