// SPDX-License-Identifier: Apache-2.0
#include "change/journal_key.h"

#include <fcntl.h>
#include <xxhash.h>

#include <filesystem>
#include <mutex>
#include <optional>
#include <random>

#include "sys/fd.h"

namespace vunify {
namespace {

constexpr auto key_leaf = "/key";
constexpr std::size_t secret_bytes = 192;  // XXH3_SECRET_DEFAULT_SIZE of a static xxHash

std::string fresh_secret() {
  std::random_device random;  // getrandom(2) or the processor's generator: never a seeded sequence (libstdc++)
  std::string secret;
  while (secret.size() < secret_bytes) {
    const auto word = random();
    secret.append(reinterpret_cast<const char*>(&word), sizeof word);
  }
  return secret;
}

// One of another length is damaged: nothing that was written with it can be believed any more.
std::optional<std::string> read_secret(const std::string& state_dir) {
  try {
    const auto path = state_dir + key_leaf;
    auto secret = read_all(open_host(path, O_RDONLY | O_NOFOLLOW).get(), path);
    if (secret.size() == secret_bytes) return secret;
  } catch (const std::system_error& error) {
    if (!is_error(error, ENOENT)) throw;
  }
  return std::nullopt;
}

void keep_secret(const std::string& state_dir, const std::string& secret) {
  const auto path = state_dir + key_leaf;
  const auto fresh = path + ".new";
  const Fd file = open_host(fresh, O_WRONLY | O_CREAT | O_TRUNC | O_NOFOLLOW);
  write_all(file.get(), secret, fresh);
  sync_data(file.get(), fresh);
  std::filesystem::rename(fresh, path);
}

}  // namespace

JournalKey JournalKey::make(const std::string& state_dir) {
  static std::mutex making;  // by one worker; no other process has the state
  const std::lock_guard lock(making);
  if (auto secret = read_secret(state_dir)) return JournalKey(std::move(*secret));
  keep_secret(state_dir, fresh_secret());
  return JournalKey(read_secret(state_dir).value());
}

JournalKey JournalKey::look_up(const std::string& state_dir) {
  return JournalKey(read_secret(state_dir).value_or(fresh_secret()));
}

std::uint64_t JournalKey::checksum(std::string_view bytes) const {
  return XXH3_64bits_withSecret(bytes.data(), bytes.size(), secret_.data(), secret_.size());
}

}  // namespace vunify
