// SPDX-License-Identifier: Apache-2.0
// The text of dpkg's status, of its updates, and of a package's file in status.d: stanzas of "Field: value" lines,
// parted by empty ones.
#pragma once

#include <functional>
#include <string_view>

namespace vunify {

// The fields that matter here, where they stand in the text; empty where there is no such field.
struct DpkgStanza {
  std::string_view package;
  std::string_view architecture;
  std::string_view version;
  std::string_view status;     // "install ok installed"
  std::string_view conffiles;  // all its lines

  bool is_installed() const;
};

// Throws std::runtime_error where the text is no such list: dpkg itself would not read it.
void read_stanzas(std::string_view text, const std::function<void(const DpkgStanza&)>& visit);

// The paths of a field Conffiles, whose lines are " PATH HASH [obsolete] [remove-on-upgrade]". Those that were given
// up, or are to go, are an administrator's files as well. Throws std::runtime_error where a line has no hash.
void read_conffile_lines(std::string_view lines, const std::function<void(std::string_view path)>& visit);

}  // namespace vunify
