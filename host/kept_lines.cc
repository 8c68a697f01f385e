// SPDX-License-Identifier: Apache-2.0
#include "host/kept_lines.h"

#include <fcntl.h>
#include <fmt/format.h>

#include <charconv>
#include <filesystem>
#include <optional>
#include <stdexcept>

#include "sys/fd.h"

namespace vunify {
namespace {

// FNV-1a, 64 bits: http://www.isthe.com/chongo/tech/comp/fnv/
std::uint64_t checksum(std::string_view text) {
  std::uint64_t sum = 0xcbf29ce484222325;
  for (const unsigned char c : text) sum = (sum ^ c) * 0x100000001b3;
  return sum;
}

std::string seal_of(std::string_view body, std::size_t lines) {
  return fmt::format("end {} {:016x}\n", lines, checksum(body));
}

std::vector<std::string> split(std::string_view body) {
  std::vector<std::string> lines;
  while (!body.empty()) {
    const auto end = body.find('\n');
    lines.emplace_back(body.substr(0, end));
    body.remove_prefix(end + 1);
  }
  return lines;
}

std::optional<std::string> text_of(const std::string& path) {
  try {
    return read_all(open_host(path, O_RDONLY | O_NOFOLLOW | O_NONBLOCK).get(), path);
  } catch (const std::system_error& error) {
    if (is_error(error, ENOENT)) return std::nullopt;
    throw;
  }
}

}  // namespace

std::vector<std::string> kept_lines(const std::string& path, std::string_view remedy) {
  const auto text = text_of(path);
  if (!text) return {};
  const auto seal = text->size() < 2 ? text->npos : text->rfind('\n', text->size() - 2);
  const auto body = std::string_view(*text).substr(0, seal == text->npos ? 0 : seal + 1);
  auto lines = split(body);
  if (std::string_view(*text).substr(body.size()) != seal_of(body, lines.size()))
    throw std::runtime_error(fmt::format("{} is damaged: {}", path, remedy));
  return lines;
}

void keep_lines(const StateDir& state, const std::string& leaf, const std::vector<std::string>& lines) {
  std::string body;
  for (const auto& line : lines) body += line + "\n";
  const auto path = state.path() + "/" + leaf, fresh = path + ".new";
  const Fd file = open_host(fresh, O_WRONLY | O_CREAT | O_TRUNC | O_NOFOLLOW);
  write_all(file.get(), body + seal_of(body, lines.size()), fresh);
  sync_data(file.get(), fresh);
  std::filesystem::rename(fresh, path);
  sync_data(open_host(state.path(), O_RDONLY | O_DIRECTORY).get(), state.path());
}

std::string to_word(std::string_view name) {
  std::string word;
  for (const unsigned char c : name)
    word += c <= ' ' || c >= 0x7f || c == '%' ? fmt::format("%{:02x}", c) : std::string(1, static_cast<char>(c));
  return word;
}

std::string from_word(std::string_view word) {
  std::string name;
  for (std::size_t at = 0; at < word.size(); ++at) {
    unsigned char byte = 0;
    const bool is_coded = word[at] == '%' && at + 2 < word.size() &&
                          std::from_chars(word.data() + at + 1, word.data() + at + 3, byte, 16).ec == std::errc();
    name += is_coded ? static_cast<char>(byte) : word[at];
    if (is_coded) at += 2;
  }
  return name;
}

}  // namespace vunify
