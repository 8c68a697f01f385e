// SPDX-License-Identifier: Apache-2.0
// What a guest's program writes, as whole lines for a terminal of ours: named after the guest, and harmless.
#pragma once

#include <functional>
#include <string>
#include <string_view>

namespace vunify {

class GuestLines {
 public:
  // tell: gets each line once it is whole, "web1: Reading package lists...\n".
  GuestLines(std::string_view guest, std::function<void(const std::string& line)> tell);

  // Of a line that is overwritten (by a carriage return) what is seen last is told. One that does not end is told in
  // pieces of 64 KiB.
  void add(std::string_view bytes);
  // What is left, where the last line has no end.
  void end();

 private:
  void tell_line(std::string_view line) const;

  std::string prefix_, rest_;
  std::function<void(const std::string& line)> tell_;
};

}  // namespace vunify
