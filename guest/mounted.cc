// SPDX-License-Identifier: Apache-2.0
#include "guest/mounted.h"

#include <fcntl.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <atomic>
#include <cstring>
#include <filesystem>
#include <string_view>
#include <type_traits>

#include "guest/dead_records.h"
#include "guest/trusted_directory.h"
#include "sys/directory.h"
#include "sys/local_socket.h"
#include "sys/root_dir.h"

namespace vunify {

// What the file holds. The numbers that are counted up are read meanwhile.
struct MountPage {
  std::array<char, 8> kind;
  std::int64_t since;  // nanoseconds since 1970, as last_break
  std::uint64_t broken_links, copied_bytes;
  std::int64_t last_break;  // 0: none yet
  std::int64_t process;
  std::array<char, 4096> path, mount_point, native;  // PATH_MAX, the NUL included
  std::array<char, 256> no_passthrough;
  std::array<char, 64> version;
  std::array<char, 4096> program;
  std::uint64_t programs, returns, replaced;
  std::int64_t worker;
  std::uint64_t layout;
};
static_assert(std::is_trivially_copyable_v<MountPage>);

namespace {

constexpr std::array<char, 8> kind_of_page = {'v', 'c', 'o', 'w', ' ', '3', '\n'};
constexpr int most_tries = 100;
constexpr std::int64_t second = 1'000'000'000;

template <std::size_t N>
void put(std::array<char, N>& text, std::string_view value) {
  value.copy(text.data(), std::min(value.size(), N - 1));
}

template <std::size_t N>
std::string take(const std::array<char, N>& text) {
  return {text.data(), ::strnlen(text.data(), N)};
}

std::int64_t nanoseconds_now() {
  const auto now = clock_now();
  return now.sec * second + now.nsec;
}

Timestamp time_of(std::int64_t nanoseconds) {
  return {nanoseconds / second, static_cast<std::uint32_t>(nanoseconds % second)};
}

Fd open_run_dir(const std::string& dir) {
  const std::string parent(split_path(dir).parent), leaf(split_path(dir).leaf);
  std::filesystem::create_directories(parent);
  const Fd above = open_trusted(parent);
  make_private_directory(above.get(), leaf);
  return open_private(above.get(), leaf, dir);
}

// Of one guest it is the same, so that a dead one's gives way.
std::string leaf_for(int root) {
  const auto inode = stat_fd(root);
  return std::to_string(inode.dev) + "-" + std::to_string(inode.ino);
}

Mounted from_page(const MountPage& page) {
  Mounted mounted{.path = take(page.path),
                  .mount_point = take(page.mount_point),
                  .process = static_cast<int>(page.process),
                  .worker = static_cast<int>(page.worker),
                  .since = time_of(page.since),
                  .no_passthrough = take(page.no_passthrough),
                  .native = take(page.native),
                  .broken_links = page.broken_links,
                  .copied_bytes = page.copied_bytes,
                  .program = take(page.program),
                  .version = take(page.version),
                  .layout = static_cast<std::uint32_t>(page.layout),
                  .programs = page.programs,
                  .returns = page.returns,
                  .replaced = page.replaced};
  if (page.last_break != 0) mounted.last_break = time_of(page.last_break);
  return mounted;
}

std::optional<Mounted> read_record(const std::string& path) {
  const Fd file = open_host(path, O_RDONLY | O_NOFOLLOW);
  const auto bytes = read_all(file.get(), path);
  MountPage page{};
  if (bytes.size() != sizeof page) return std::nullopt;
  std::memcpy(&page, bytes.data(), sizeof page);
  if (page.kind != kind_of_page) return std::nullopt;
  auto mounted = from_page(page);
  mounted.control = path + std::string(control_suffix);
  mounted.is_alive = !lock_shared(file.get());
  return mounted;
}

// Who sweeps may have taken it for what a dead one left.
Fd make_record(const std::string& path) {
  for (int tries = 0; tries < most_tries; ++tries)
    if (auto file = take_record(path, O_RDWR | O_CREAT | O_TRUNC)) return std::move(*file);
  throw std::system_error(EBUSY, std::generic_category(), path);
}

// Another was mounted there since.
bool has_given_way(const Mounted& one, const std::vector<Mounted>& all) {
  const auto is_next = [&one](const Mounted& other) {
    return other.mount_point == one.mount_point && other.since > one.since;
  };
  return !one.is_alive && std::ranges::any_of(all, is_next);
}

}  // namespace

MountRecord::MountRecord(const Mounted& told, int root, const std::string& dir)
    : dir_(open_run_dir(dir)), leaf_(leaf_for(root)) {
  sweep_dead_records(dir);
  const auto path = dir + "/" + leaf_, fresh = path + std::string(unfinished_suffix);
  file_ = make_record(fresh);
  reserve(file_.get(), sizeof(MountPage), fresh);
  memory_ = std::make_unique<MappedFile>(file_.get(), sizeof(MountPage));
  page().kind = kind_of_page;
  page().since = nanoseconds_now();
  tell(told);
  const auto dead_ones = take_record(path, O_RDONLY);
  std::filesystem::rename(fresh, path);
}

MountRecord::MountRecord(Fd file, const Mounted& told, int root, const std::string& dir)
    : dir_(open_run_dir(dir)),
      file_(std::move(file)),
      leaf_(leaf_for(root)),
      memory_(std::make_unique<MappedFile>(file_.get(), sizeof(MountPage))) {
  tell(told);
}

void MountRecord::tell(const Mounted& told) {
  page().process = ::getpid();
  put(page().path, told.path);
  put(page().mount_point, told.mount_point);
  put(page().no_passthrough, told.no_passthrough);
  put(page().native, told.native);
  page().version.fill('\0');
  put(page().version, told.version);
  put(page().program, told.program);
  page().layout = told.layout;
}

void MountRecord::tell_program() noexcept { std::atomic_ref(page().programs).fetch_add(1); }
void MountRecord::tell_return() noexcept { std::atomic_ref(page().returns).fetch_add(1); }

MountRecord::~MountRecord() {
  for (const auto& leaf : {leaf_ + std::string(control_suffix), leaf_}) try {
      remove_name(dir_.get(), leaf);
    } catch (const std::system_error&) {  // told as a dead one's
    }
}

Fd MountRecord::listen() const { return listen_at(dir_.get(), leaf_ + std::string(control_suffix)); }

MountPage& MountRecord::page() const { return *static_cast<MountPage*>(memory_->memory()); }

void MountRecord::tell_passthrough(const std::string& why_none) noexcept { put(page().no_passthrough, why_none); }

void MountRecord::tell_worker(std::uint64_t replaced) noexcept {
  std::atomic_ref(page().worker).store(::getpid());
  std::atomic_ref(page().replaced).store(replaced);
}

void MountRecord::count_break(std::uint64_t copied_bytes) noexcept {
  std::atomic_ref(page().broken_links).fetch_add(1, std::memory_order_relaxed);
  std::atomic_ref(page().copied_bytes).fetch_add(copied_bytes, std::memory_order_relaxed);
  std::atomic_ref(page().last_break).store(nanoseconds_now(), std::memory_order_relaxed);
}

std::optional<Mounted> find_mounted(int root, const std::string& dir) {
  try {
    return read_record(dir + "/" + leaf_for(root));
  } catch (const std::system_error& error) {
    if (is_error(error, ENOENT)) return std::nullopt;
    throw;
  }
}

std::vector<Mounted> list_mounted(const std::string& dir) {
  std::vector<Mounted> all;
  std::error_code absent;
  for (const auto& file : std::filesystem::directory_iterator(dir, absent)) {
    const std::string_view path = file.path().native();
    if (path.ends_with(control_suffix) || path.ends_with(unfinished_suffix)) continue;
    try {
      if (auto mounted = read_record(file.path())) all.push_back(std::move(*mounted));
    } catch (const std::system_error& error) {
      if (!is_error(error, ENOENT)) throw;  // it has just ended
    }
  }
  if (absent && absent != std::errc::no_such_file_or_directory) throw std::system_error(absent, dir);
  std::vector<Mounted> told;
  std::ranges::copy_if(all, std::back_inserter(told), [&all](const auto& one) { return !has_given_way(one, all); });
  std::ranges::sort(told, {}, &Mounted::mount_point);
  return told;
}

}  // namespace vunify
