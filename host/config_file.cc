// SPDX-License-Identifier: Apache-2.0
#include "host/config_file.h"

#include <fcntl.h>
#include <sys/stat.h>

#include <algorithm>
#include <array>
#include <filesystem>

#include "packages/lines.h"
#include "sys/directory.h"
#include "sys/fd.h"
#include "sys/inode.h"
#include "sys/process.h"
#include "sys/root_dir.h"

namespace vunify {
namespace {

constexpr std::string_view byte_order_mark = "\xef\xbb\xbf";

// Who is not root reads what he may, and decides about nobody else's guests.
void check_owner(const Inode& inode, const std::string& path) {
  if (is_root() && inode.uid != 0) throw Misconfigured(path, "is not owned by root");
  if ((inode.mode & S_IWOTH) != 0) throw Misconfigured(path, "is writable by everybody");
}

// Of nothing but a regular file: to open a device may wake it.
Fd open_config(const std::string& path) {
  const Fd found = open_host(path, O_PATH);
  const auto inode = stat_fd(found.get());
  if (!inode.is_regular()) throw Misconfigured(path, "is not a regular file");
  check_owner(inode, path);
  return reopen_regular(found.get(), path);
}

std::string read_at_most(std::size_t most, const std::string& path) {
  const Fd file = open_config(path);
  std::string text;
  std::array<char, 1 << 16> buffer;
  while (const auto got = read_some(file.get(), buffer, path)) {
    text.append(buffer.data(), got);
    if (text.size() > most) throw Misconfigured(path, "is longer than " + std::to_string(most >> 20) + " MiB");
  }
  return text;
}

void check_lines(std::string_view text, const std::string& path) {
  for (int line = 1; !text.empty(); ++line) {
    const auto end = std::min(text.find('\n'), text.size());
    if (end > longest_config_line) throw Misconfigured({path, line, "is a line of more than 4096 bytes"});
    if (text.substr(0, end).find('\0') != text.npos) throw Misconfigured({path, line, "has a NUL byte"});
    text.remove_prefix(std::min(end + 1, text.size()));
  }
}

std::string without_marks(std::string text) {
  if (text.starts_with(byte_order_mark)) text.erase(0, byte_order_mark.size());
  for (auto at = text.find("\r\n"); at != text.npos; at = text.find("\r\n", at)) text.erase(at, 1);
  return text;
}

// Nothing where there is none; what else the system says is a mistake of that file.
template <typename Read>
auto read_if_there(const std::string& path, Read read) -> std::optional<decltype(read())> {
  try {
    return read();
  } catch (const std::system_error& error) {
    if (is_error(error, ENOENT) && !is_there(path)) return std::nullopt;
    throw Misconfigured(path, is_error(error, ENOENT) ? "leads nowhere" : error.code().message());
  }
}

}  // namespace

std::optional<std::string> read_config(const std::string& path) {
  return read_if_there(path, [&path] {
    auto text = read_at_most(longest_config, path);
    check_lines(text, path);
    return without_marks(std::move(text));
  });
}

std::optional<std::string> read_data(const std::string& path) {
  return read_if_there(path, [&path] { return read_at_most(longest_data, path); });
}

std::optional<std::string> read_first_line(const std::string& path) {
  const auto text = read_config(path);
  if (!text) return std::nullopt;
  return std::string(without_blanks(text->substr(0, text->find('\n'))));
}

std::vector<std::string> config_names(const std::string& directory) {
  const auto names = read_if_there(directory, [&directory] {
    const Fd dir = open_host(directory, O_RDONLY | O_DIRECTORY);
    check_owner(stat_fd(dir.get()), directory);
    auto all = list_names(dir.get());
    std::erase_if(all, [](const std::string& name) { return name.starts_with('.'); });
    return all;
  });
  return names.value_or(std::vector<std::string>());
}

bool is_there(const std::string& path) {
  std::error_code unseen;
  return std::filesystem::exists(std::filesystem::symlink_status(path, unseen));
}

}  // namespace vunify
