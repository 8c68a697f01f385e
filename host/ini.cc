// SPDX-License-Identifier: Apache-2.0
#include "host/ini.h"

#include <algorithm>

#include "host/config_file.h"
#include "packages/lines.h"

namespace vunify {

std::vector<IniSetting> read_ini(std::string_view text) {
  std::vector<IniSetting> settings;
  std::string section;
  for (int line = 1; !text.empty(); ++line) {
    const auto end = std::min(text.find('\n'), text.size());
    const auto words = without_blanks(text.substr(0, end));
    text.remove_prefix(std::min(end + 1, text.size()));
    const auto equals = words.find('=');
    if (words.starts_with('[') && words.ends_with(']'))
      section = words.substr(1, words.size() - 2);
    else if (!words.starts_with('#') && !words.starts_with(';') && equals != words.npos)
      settings.push_back({section, std::string(without_blanks(words.substr(0, equals))),
                          std::string(without_blanks(words.substr(equals + 1))), line});
  }
  return settings;
}

const IniSetting* find_setting(const std::vector<IniSetting>& settings, std::string_view section,
                               std::string_view key) {
  const auto last = std::find_if(settings.rbegin(), settings.rend(), [&](const IniSetting& setting) {
    return setting.section == section && setting.key == key;
  });
  return last == settings.rend() ? nullptr : &*last;
}

}  // namespace vunify
