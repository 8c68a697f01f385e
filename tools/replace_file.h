// SPDX-License-Identifier: Apache-2.0
// A file whose readers see the old one or the new one, whole.
#pragma once

#include <string>
#include <string_view>

namespace vunify {

// path: absolute. The file becomes ours; a symlink in its place is replaced. Throws std::system_error that
// names it, and leaves what was there.
void replace_file(const std::string& path, std::string_view text, unsigned mode = 0600);

}  // namespace vunify
