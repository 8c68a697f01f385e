// SPDX-License-Identifier: Apache-2.0
// What a clone's tree is given once all other names are made: links of inodes whose protection is to be lifted, or set;
// then the times of directories, which names move; then the flags (chattr(1)) after which neither can be.
#pragma once

#include <cstdint>
#include <functional>
#include <mutex>
#include <string>
#include <vector>

#include "change/add_names.h"
#include "sys/inode.h"

namespace vunify {

struct LateDirectory {
  std::string path;
  Timestamp accessed, modified;
};

struct LateFlags {
  std::string path;
  std::uint32_t flags = 0;  // FS_IMMUTABLE_FL, FS_APPEND_FL
};

// Of one clone, filled from many threads.
class LateSteps {
 public:
  void add(AddRequest link);
  void add(LateDirectory directory);
  void add(LateFlags flags);

  // All of it, in this order, once no thread adds any more. What cannot be linked (65,000 names are the most that ext4
  // allows) is given to copy. Throws where a step fails, EINTR where stop says so.
  void finish(const RootDir& tree, NameAdder& adder, const std::function<void(const AddRequest&)>& copy,
              const std::function<bool()>& stop);

 private:
  void link_all(NameAdder& adder, const std::function<void(const AddRequest&)>& copy,
                const std::function<bool()>& stop);

  std::mutex adding_;  // guards all below
  std::vector<AddRequest> links_;
  std::vector<LateDirectory> directories_;
  std::vector<LateFlags> flags_;
};

}  // namespace vunify
