// SPDX-License-Identifier: Apache-2.0
// Text for people: names made harmless for a terminal, sizes and times read and written.
#pragma once

#include <array>
#include <chrono>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

#include "sys/inode.h"

namespace vunify {

// A name as it may reach a terminal: one line, no control characters, nothing invisible, nothing that turns the text
// around. What may not is written \n, \t, \r, \\ or \xHH for each of its bytes, so different names stay different.
std::string printable(std::string_view bytes);

// The same for a finished message, whose names are printable() already: a backslash stays one.
std::string one_line(std::string_view message);

// Well-formed as RFC 3629 has it: no surrogates, nothing overlong.
bool is_utf8(std::string_view bytes);

std::string base64(std::string_view bytes);
std::optional<std::string> from_base64(std::string_view text);

// "10", "4K", "1M", "2G": whole numbers, powers of 1024. Nothing for anything else, or where it does not fit.
std::optional<std::uint64_t> parse_size(std::string_view text);
// "45" and "45s" seconds, "90m", "2h".
std::optional<std::chrono::seconds> parse_duration(std::string_view text);

std::string format_bytes(std::uint64_t bytes);  // "512 B", "2.6 GiB"
// The same by other units: the first is `step` bytes, each next one so many of the one before.
std::string format_scaled(std::uint64_t bytes, unsigned step, const std::array<const char*, 6>& units);
std::string format_count(std::uint64_t count);                 // "342,000"
std::string counted(std::uint64_t count, const char* noun);    // "1 sample", "2,000 samples"
std::string format_seconds(double seconds);                    // "0.42 s", "1 min 05 s", "2 h 03 min"
std::string format_time(const Timestamp& time);                // "2024-02-29T23:59:59Z"
std::optional<Timestamp> parse_time(const std::string& text);  // the same, read again

// Columns that printable text takes on a terminal, one for each character.
std::size_t width_of(std::string_view text);

}  // namespace vunify
