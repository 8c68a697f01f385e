// SPDX-License-Identifier: Apache-2.0
// A sample as bytes on disk: the filesystem's numbers, each holder's and each content's, by themselves. Bytes that are
// too few read as zeros; whether they are what was written, db/checked.h tells.
#pragma once

#include <string>
#include <string_view>

#include "account/sample.h"

namespace vunify {

std::string to_bytes(const Sample& sample);  // without its holders, and without `fs`
Sample sample_from(const FsId& fs, std::string_view bytes);

std::string to_bytes(const HolderSample& holder);
HolderSample holder_from(std::string_view bytes);

std::string to_bytes(const ContentSample& content);
ContentSample content_from(std::string_view bytes);

}  // namespace vunify
