// SPDX-License-Identifier: Apache-2.0
// A bell that programs ring for one another: a number in a file, waited for by futex(2). Who is stopped or was killed
// hears nothing, and keeps nobody.
#pragma once

#include <chrono>
#include <cstdint>
#include <string>

#include "sys/mapped_file.h"

namespace vunify {

class Bell {
 public:
  // Made where it is missing, root's alone. Throws std::system_error.
  explicit Bell(const std::string& path);

  // How often it was rung, by anybody; it begins anew after 2^32.
  std::uint32_t rung() const;
  void ring() const;
  // Until it was rung once more than so often. False where that did not come in time.
  bool wait(std::uint32_t rung, std::chrono::nanoseconds most) const;

 private:
  std::uint32_t* number() const { return static_cast<std::uint32_t*>(file_.memory()); }

  MappedFile file_;
};

}  // namespace vunify
