// SPDX-License-Identifier: Apache-2.0
#include "tools/guest_lines.h"

#include "tools/text.h"

namespace vunify {
namespace {

constexpr std::size_t longest_line = 64 << 10;

// As a terminal would show it: what comes behind a carriage return overwrites what was there.
std::string_view seen_of(std::string_view line) {
  while (line.ends_with('\r')) line.remove_suffix(1);
  const auto start = line.rfind('\r');
  return start == std::string_view::npos ? line : line.substr(start + 1);
}

}  // namespace

GuestLines::GuestLines(std::string_view guest, std::function<void(const std::string& line)> tell)
    : prefix_(printable(guest) + ": "), tell_(std::move(tell)) {}

void GuestLines::add(std::string_view bytes) {
  rest_ += bytes;
  std::size_t start = 0;
  for (auto end = rest_.find('\n'); end != std::string::npos; end = rest_.find('\n', start)) {
    tell_line(std::string_view(rest_).substr(start, end - start));
    start = end + 1;
  }
  rest_.erase(0, start);
  if (rest_.size() >= longest_line) end();
}

void GuestLines::end() {
  if (!rest_.empty()) tell_line(rest_);
  rest_.clear();
}

void GuestLines::tell_line(std::string_view line) const { tell_(prefix_ + one_line(seen_of(line)) + "\n"); }

}  // namespace vunify
