// SPDX-License-Identifier: Apache-2.0
// What each guest of this host holds, for a sketch of it. What a package brought is the same under the same path, with
// the same size and time, in whichever guest: so no file is opened, and guests that were never unified, or are on
// different hosts, are compared as well as others.
#pragma once

#include <functional>
#include <string>
#include <string_view>
#include <vector>

#include "account/sketch.h"
#include "survey/tree.h"
#include "sys/stop.h"

namespace vunify {

// What most likely tells one content from another, as bytes to be hashed.
std::string likely_content(const std::string& path, const File& file);

using NumberOf = std::function<std::uint64_t(std::string_view content)>;  // as HashedContent::hash
using TakeContents = std::function<void(const std::string& guest, std::vector<HashedContent> contents)>;

// One walk over all regular files, excluded or not, guest by guest, in the caller's tbb::task_arena; an inode of many
// names is one content. One guest's contents are in memory at a time. False where
// something could not be read, which was complained of or is not known. Throws Failed{usage} for the configuration.
bool walk_contents(const std::string& config, const NumberOf& number_of, const Stop& stop, const TakeContents& take);

}  // namespace vunify
