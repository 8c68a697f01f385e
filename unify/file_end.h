// SPDX-License-Identifier: Apache-2.0
// What became of one file, for who wants to be told of each.
#pragma once

#include <functional>
#include <string>

#include "guest/guest.h"
#include "survey/verdict.h"

namespace vunify {

struct FileEnd {
  const Guest& guest;
  std::string path;             // from the guest's root, without a leading slash
  Verdict verdict;              // shared, or why it is not
  bool done = false;            // by this run, or in a dry run it would be: shared anew, or made private again
  const Guest* from = nullptr;  // who has the inode, or the data, that this run led it to; absent where that is its own
};
using TellFile = std::function<void(const FileEnd&)>;

}  // namespace vunify
