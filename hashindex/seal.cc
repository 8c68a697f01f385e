// SPDX-License-Identifier: Apache-2.0
#include "hashindex/seal.h"

#include <fcntl.h>
#include <fmt/format.h>

#include <algorithm>
#include <filesystem>
#include <sstream>
#include <vector>

#include "hashindex/delta.h"
#include "hashindex/store.h"
#include "sys/child.h"
#include "sys/fd.h"
#include "sys/inode.h"

namespace vunify {
namespace {

constexpr auto magic = "vunify-index";
constexpr std::size_t piece = 1 << 20;
constexpr unsigned most_seconds = 600;
constexpr std::uint64_t room_to_spare = 1 << 20;

std::string seal_of(const std::string& path) { return path + ".seal"; }

// Not keyed: it guards against accidents. Whoever could forge it is root.
std::string checksum(int fd, const std::string& path) {
  const DigestKey key(std::string(192, 'v'));
  RunningDigest digest(key);
  std::vector<char> buffer(piece);
  while (const auto got = read_some(fd, buffer, path)) digest.add(std::span(buffer).first(got));
  const auto value = digest.value();
  return fmt::format("{:016x}{:016x}", value.high, value.low);
}

std::string describe(const std::string& path) {
  const Fd file = open_host(path, O_RDONLY | O_NOFOLLOW);
  return fmt::format("{} {}", stat_fd(file.get()).stamp.size, checksum(file.get(), path));
}

bool is_roots_alone(const Inode& inode) {
  return inode.is_regular() && inode.uid == 0 && inode.nlink == 1 && (inode.mode & 077) == 0;
}

// By the name of a table of ours, wherever in it. One that a crash left empty is nobody's loss.
bool is_ours(const std::string& path) {
  constexpr std::string_view table = "filesystems";
  const Fd file = open_host(path, O_RDONLY | O_NOFOLLOW);
  std::string tail;  // of what was read: the name may lie across two pieces
  std::string bytes(piece, '\0');
  while (const auto got = read_some(file.get(), bytes, path)) {
    tail.append(bytes, 0, got);
    if (tail.find(table) != std::string::npos) return true;
    tail.erase(0, tail.size() - std::min(tail.size(), table.size() - 1));
  }
  return stat_fd(file.get()).stamp.size == 0;
}

std::optional<Inode> stat_path(const std::string& path) { return stat_name(AT_FDCWD, path.c_str()); }

// A full disk is no damage: better no index for a night than none of what it holds.
void expect_room_for_copy(const std::string& path) {
  const Fd file = open_host(path, O_RDONLY | O_NOFOLLOW);
  if (space_of(file.get()).free >= stat_fd(file.get()).stamp.size + room_to_spare) return;
  errno = ENOSPC;
  throw_errno("copy", path);
}

std::string read_seal(const std::string& path) {
  return read_all(open_host(seal_of(path), O_RDONLY | O_NOFOLLOW).get(), seal_of(path));
}

void write_seal(const std::string& path, const std::string& state) {
  const auto successor = seal_of(path) + ".new";
  const Fd file = open_host(successor, O_WRONLY | O_CREAT | O_TRUNC | O_NOFOLLOW);
  write_all(file.get(), fmt::format("{} {} {}\n", magic, Store::version, state), successor);
  sync_data(file.get(), successor);
  std::filesystem::rename(successor, seal_of(path));
  const auto directory = std::filesystem::path(path).parent_path().string();
  sync_data(open_host(directory, O_RDONLY | O_DIRECTORY).get(), directory);  // its new name
}

}  // namespace

Condition examine_seal(const std::string& path) {
  const auto index = stat_path(path), seal = stat_path(seal_of(path));
  if (!index) return Condition::absent;
  if (!is_roots_alone(*index) || (seal && !is_roots_alone(*seal))) return Condition::foreign;
  const auto told = seal ? read_seal(path) : "";
  std::istringstream in(told);
  std::string word, version, state;
  in >> word >> version >> state;
  if (word != magic) return is_ours(path) ? Condition::damaged : Condition::foreign;
  if (version != std::to_string(Store::version)) return Condition::other_version;
  if (state == "open") return Condition::being_written;
  std::string described;
  std::getline(in >> std::ws, described);
  if (described == describe(path)) return Condition::sound;
  return read_seal(path) == told ? Condition::damaged : examine_seal(path);  // a run began while we looked
}

bool survives_reading(const std::string& path) {
  return succeeds_in_child([&] { return Store(path, lmdb::Access::read).reads_well(); }, most_seconds);
}

bool salvage(const std::string& path) {
  const auto copy = path + ".new";
  for (const auto* suffix : {"", "-lock"}) std::filesystem::remove(copy + suffix);
  expect_room_for_copy(path);
  const auto copy_all = [&] {
    const Store store(path, lmdb::Access::read);
    if (!store.reads_well()) return false;
    store.copy_to(copy);
    return true;
  };
  if (!succeeds_in_child(copy_all, most_seconds)) return false;
  std::filesystem::rename(copy, path);
  std::filesystem::rename(copy + "-lock", path + "-lock");
  return true;
}

bool findings_survive(const std::string& path) {
  if (!stat_path(path + ".delta")) return true;
  return succeeds_in_child([&] { return findings_read_well(path); }, most_seconds);
}

void break_seal(const std::string& path) { write_seal(path, "open"); }

void make_seal(const std::string& path) { write_seal(path, "closed " + describe(path)); }

void remove_index(const std::string& path) {
  for (const auto* suffix : {"", "-lock", ".seal", ".seal.new", ".delta", ".delta-lock", ".new", ".new-lock"})
    std::filesystem::remove(path + suffix);
}

}  // namespace vunify
