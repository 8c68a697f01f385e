// SPDX-License-Identifier: Apache-2.0
#include "tools/text.h"

#include <fmt/chrono.h>
#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <charconv>
#include <ctime>
#include <limits>

namespace vunify {
namespace {

struct CodePoint {
  char32_t value = 0;
  std::size_t length = 0;  // 0: the first byte begins no well-formed sequence
};

CodePoint first_of(std::string_view bytes) {
  const auto lead = static_cast<unsigned char>(bytes[0]);
  if (lead < 0x80) return {lead, 1};
  const std::size_t length = lead >= 0xF0 ? 4 : lead >= 0xE0 ? 3 : 2;
  if (lead < 0xC2 || lead > 0xF4 || bytes.size() < length) return {};
  char32_t value = lead & (0x7Fu >> length);
  for (std::size_t i = 1; i < length; ++i) {
    const auto next = static_cast<unsigned char>(bytes[i]);
    if ((next & 0xC0) != 0x80) return {};
    value = value << 6 | (next & 0x3F);
  }
  constexpr char32_t least[] = {0, 0, 0x80, 0x800, 0x10000};
  const bool surrogate = value >= 0xD800 && value <= 0xDFFF;
  if (value < least[length] || value > 0x10FFFF || surrogate) return {};
  return {value, length};
}

struct Range {
  char32_t first, last;
};

// Controls (Cc), format characters (Cf: bidi overrides, zero widths, tags), line and paragraph separators, variation
// selectors, private use and what no Unicode will ever assign: the terminal acts on them, or shows nothing. In order.
constexpr Range harmful[] = {
    {0x00, 0x1F},       {0x7F, 0x9F},       {0xAD, 0xAD},       {0x34F, 0x34F},     {0x600, 0x605},
    {0x61C, 0x61C},     {0x6DD, 0x6DD},     {0x70F, 0x70F},     {0x890, 0x891},     {0x8E2, 0x8E2},
    {0x115F, 0x1160},   {0x17B4, 0x17B5},   {0x180B, 0x180F},   {0x200B, 0x200F},   {0x2028, 0x202E},
    {0x2060, 0x206F},   {0x3164, 0x3164},   {0xE000, 0xF8FF},   {0xFDD0, 0xFDEF},   {0xFE00, 0xFE0F},
    {0xFEFF, 0xFEFF},   {0xFFA0, 0xFFA0},   {0xFFF0, 0xFFFB},   {0xFFFE, 0xFFFF},   {0x110BD, 0x110BD},
    {0x110CD, 0x110CD}, {0x13430, 0x1343F}, {0x1BCA0, 0x1BCA3}, {0x1D173, 0x1D17A}, {0xE0000, 0x10FFFF},
};

bool is_harmful(char32_t value) {
  const auto* range = std::ranges::lower_bound(harmful, value, {}, &Range::last);
  return range != std::end(harmful) && value >= range->first;
}

std::string escaped(std::string_view bytes) {
  if (bytes == "\n") return "\\n";
  if (bytes == "\t") return "\\t";
  if (bytes == "\r") return "\\r";
  std::string text;
  for (char byte : bytes) text += fmt::format("\\x{:02X}", static_cast<unsigned char>(byte));
  return text;
}

std::string harmless(std::string_view bytes, std::string_view backslash) {
  std::string text;
  while (!bytes.empty()) {
    const CodePoint next = first_of(bytes);
    const auto taken = bytes.substr(0, std::max<std::size_t>(next.length, 1));
    if (taken == "\\")
      text += backslash;
    else if (next.length == 0 || is_harmful(next.value))
      text += escaped(taken);
    else
      text += taken;
    bytes.remove_prefix(taken.size());
  }
  return text;
}

// Reads digits off the front of text; nothing where there are none or they do not fit.
std::optional<std::uint64_t> take_number(std::string_view& text) {
  std::uint64_t number = 0;
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), number);
  if (error != std::errc()) return std::nullopt;
  text.remove_prefix(static_cast<std::size_t>(end - text.data()));
  return number;
}

std::optional<std::uint64_t> times(std::optional<std::uint64_t> number, std::uint64_t unit, std::uint64_t most) {
  if (!number || *number > most / unit) return std::nullopt;
  return *number * unit;
}

constexpr std::string_view alphabet = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";

}  // namespace

std::string printable(std::string_view bytes) { return harmless(bytes, "\\\\"); }

std::string one_line(std::string_view message) { return harmless(message, "\\"); }

bool is_utf8(std::string_view bytes) {
  while (!bytes.empty()) {
    const CodePoint next = first_of(bytes);
    if (next.length == 0) return false;
    bytes.remove_prefix(next.length);
  }
  return true;
}

std::string base64(std::string_view bytes) {
  std::string text;
  for (std::size_t at = 0; at < bytes.size(); at += 3) {
    const auto group = bytes.substr(at, 3);
    std::uint32_t bits = 0;
    for (std::size_t i = 0; i < 3; ++i)
      bits = bits << 8 | (i < group.size() ? static_cast<unsigned char>(group[i]) : 0);
    for (std::size_t i = 0; i < 4; ++i) text += i <= group.size() ? alphabet[bits >> (18 - 6 * i) & 63] : '=';
  }
  return text;
}

std::optional<std::string> from_base64(std::string_view text) {
  if (text.size() % 4 != 0) return std::nullopt;
  while (text.ends_with('=')) text.remove_suffix(1);
  std::string bytes;
  std::uint32_t bits = 0;
  int held = 0;
  for (char letter : text) {
    const auto value = alphabet.find(letter);
    if (value == std::string_view::npos) return std::nullopt;
    bits = bits << 6 | static_cast<std::uint32_t>(value);
    held += 6;
    if (held < 8) continue;
    held -= 8;
    bytes += static_cast<char>(bits >> held & 0xFF);
  }
  return bytes;
}

std::optional<std::uint64_t> parse_size(std::string_view text) {
  const auto number = take_number(text);
  constexpr auto most = std::numeric_limits<std::uint64_t>::max();
  if (text.empty()) return number;
  if (text == "K") return times(number, 1u << 10, most);
  if (text == "M") return times(number, 1u << 20, most);
  if (text == "G") return times(number, 1u << 30, most);
  return std::nullopt;
}

std::optional<std::chrono::seconds> parse_duration(std::string_view text) {
  const auto number = take_number(text);
  const std::uint64_t unit = text.empty() || text == "s" ? 1 : text == "m" ? 60 : text == "h" ? 3600 : 0;
  if (unit == 0) return std::nullopt;
  constexpr std::uint64_t most = 100ull * 366 * 86400;  // a deadline that far off still fits a steady_clock
  const auto seconds = times(number, unit, most);
  if (!seconds) return std::nullopt;
  return std::chrono::seconds(*seconds);
}

std::string format_scaled(std::uint64_t bytes, unsigned step, const std::array<const char*, 6>& units) {
  if (bytes < step) return fmt::format("{} B", bytes);
  const double next = step - 0.05;  // would be written as `step`
  auto value = static_cast<double>(bytes) / step;
  std::size_t unit = 0;
  for (; value >= next && unit + 1 < units.size(); ++unit) value /= step;
  return fmt::format("{:.1f} {}", value, units[unit]);
}

std::string format_bytes(std::uint64_t bytes) {
  return format_scaled(bytes, 1024, {"KiB", "MiB", "GiB", "TiB", "PiB", "EiB"});
}

std::string format_count(std::uint64_t count) {
  std::string text = std::to_string(count);
  for (std::size_t at = text.size(); at > 3;) text.insert(at -= 3, ",");
  return text;
}

std::string counted(std::uint64_t count, const char* noun) {
  return format_count(count) + " " + noun + (count == 1 ? "" : "s");
}

std::string format_seconds(double seconds) {
  if (seconds < 59.95) return fmt::format("{:.{}f} s", seconds, seconds < 9.995 ? 2 : 1);
  const auto whole = static_cast<std::uint64_t>(seconds + 0.5);
  if (whole < 3600) return fmt::format("{} min {:02} s", whole / 60, whole % 60);
  return fmt::format("{} h {:02} min", whole / 3600, whole % 3600 / 60);
}

std::string format_time(const Timestamp& time) {
  std::tm parts{};
  const std::time_t seconds = time.sec;
  if (::gmtime_r(&seconds, &parts) == nullptr) return std::to_string(time.sec);
  return fmt::format("{:%Y-%m-%dT%H:%M:%SZ}", parts);
}

std::optional<Timestamp> parse_time(const std::string& text) {
  std::tm parts{};
  const char* end = ::strptime(text.c_str(), "%Y-%m-%dT%H:%M:%SZ", &parts);
  if (end == nullptr || *end != '\0') return std::nullopt;
  return Timestamp{::timegm(&parts), 0};
}

std::size_t width_of(std::string_view text) {
  return static_cast<std::size_t>(std::ranges::count_if(text, [](char byte) { return (byte & 0xC0) != 0x80; }));
}

}  // namespace vunify
