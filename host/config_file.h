// SPDX-License-Identifier: Apache-2.0
// A file of the host's configuration, read as data: never run, never waited for, never larger than it may be. What is
// wrong with it is thrown as Misconfigured, and ends in the one catch around the guest that it is about.
#pragma once

#include <cstddef>
#include <optional>
#include <stdexcept>
#include <string>
#include <string_view>
#include <vector>

#include "host/host_guest.h"

namespace vunify {

inline constexpr std::size_t longest_config = 1 << 20;    // bytes of a file
inline constexpr std::size_t longest_data = 16 << 20;     // bytes of a file that a program writes
inline constexpr std::size_t longest_config_line = 4096;  // bytes; a path of the host may be as long (PATH_MAX)

struct Misconfigured : std::runtime_error {
  explicit Misconfigured(Mistake what) : std::runtime_error(what.file + ": " + what.reason), mistake(std::move(what)) {}
  Misconfigured(const std::string& file, std::string reason) : Misconfigured({file, 0, std::move(reason)}) {}
  Mistake mistake;
};

// The whole text, without a byte order mark and without CR before a line's end; nothing where there is no such name.
// Symlinks are followed. Throws Misconfigured for a symlink that leads nowhere, for what is no regular file (it is not
// opened), what is too long, holds a NUL byte, or is not root's alone to write.
std::optional<std::string> read_config(const std::string& path);

// The same of a file that a program writes: any bytes in lines of any length, unchanged, up to 16 MiB.
std::optional<std::string> read_data(const std::string& path);

// The first line, without blanks around it: a scalar of util-vserver, whose shell read no further.
std::optional<std::string> read_first_line(const std::string& path);

// Sorted, without those that begin with a dot; none where there is no such directory. Throws Misconfigured where it is
// something else, or not root's alone to write.
std::vector<std::string> config_names(const std::string& directory);

// Also a symlink that leads nowhere.
bool is_there(const std::string& path);

}  // namespace vunify
