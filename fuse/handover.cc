// SPDX-License-Identifier: Apache-2.0
#include "fuse/handover.h"

#include <system_error>

namespace vunify {
namespace {

std::string without(const std::string& what, const std::string& reason) {
  const auto at = what.rfind(": " + reason);
  return at == std::string::npos ? what : what.substr(0, at);
}

}  // namespace

int noting_failure(Handover& handover, const std::function<void()>& work) {
  try {
    work();
    return 0;
  } catch (const std::system_error& error) {
    handover.is_error = true;
    handover.error = error.code().value();
    put_text(handover.failed, without(error.what(), error.code().message()));
  } catch (const std::exception& error) {
    handover.is_error = false;
    put_text(handover.failed, error.what());
  }
  return 1;
}

}  // namespace vunify
