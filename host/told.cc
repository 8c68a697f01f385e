// SPDX-License-Identifier: Apache-2.0
#include "host/told.h"

#include <system_error>

#include "host/config_file.h"

namespace vunify {

void Told::add(const std::string& file, const std::function<void()>& read) {
  try {
    read();
  } catch (const Misconfigured& error) {
    mistakes.push_back(error.mistake);
  } catch (const std::system_error& error) {
    mistakes.push_back({file, 0, error.code().message()});
  }
}

}  // namespace vunify
