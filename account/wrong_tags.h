// SPDX-License-Identifier: Apache-2.0
// What in a guest's tree does not carry what it should. Where the root carries a tag all is to carry the guest's
// number, but for what is shared, which carries none; in a guest that is not tagged nothing carries any. No directory
// passes its own on.
#pragma once

#include <cstdint>
#include <functional>
#include <string>
#include <vector>

#include "sys/root_dir.h"

namespace vunify {

struct WrongTag {
  std::string path;  // from the root, "" is the root itself
  std::uint32_t project = 0;
  bool is_passed_on = false;  // it is a directory that passes it on
  bool is_shared = false;
};

struct WrongTags {
  std::vector<WrongTag> wrong;  // by path
  bool is_whole = true;         // all could be read
};

// In the caller's tbb::task_arena; it ends early where stop() says so.
WrongTags find_wrong_tags(const RootDir& tree, std::uint32_t xid, const std::function<bool()>& stop);

}  // namespace vunify
