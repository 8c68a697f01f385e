// SPDX-License-Identifier: Apache-2.0
// Settings in sections: .nspawn files, schroot.conf, storage.conf.
#pragma once

#include <string>
#include <string_view>
#include <vector>

namespace vunify {

struct IniSetting {
  std::string section;
  std::string key;
  std::string value;  // without blanks around it
  int line = 0;
};

// In their order. Lines that begin with `#` or `;`, and those without a `=`, say nothing.
std::vector<IniSetting> read_ini(std::string_view text);

// The last one counts; nullptr where there is none.
const IniSetting* find_setting(const std::vector<IniSetting>& settings, std::string_view section, std::string_view key);

}  // namespace vunify
