// SPDX-License-Identifier: Apache-2.0
#include "packages/rpm.h"

#include <stdexcept>

#include "packages/lines.h"
#include "packages/rpm_header.h"
#include "packages/sqlite_copy.h"
#include "packages/sqlite_rows.h"
#include "sys/child.h"
#include "sys/inode.h"

namespace vunify {
namespace {

// Where rpm has it; where Fedora and openSUSE have it; where rpm of Debian has it, for a root without $HOME and with.
const std::vector<std::string> rpm_places = {"var/lib/rpm", "usr/lib/sysimage/rpm", ".rpmdb", "root/.rpmdb"};
const std::string rpm_database = "rpmdb.sqlite";
const char* const kinds_not_read[] = {"Packages", "Packages.db"};  // Berkeley DB; ndb

constexpr auto copies = "/var/tmp";
constexpr unsigned most_seconds = 30;
constexpr std::uint64_t memory_bytes = 256 << 20;
constexpr std::size_t most_answer_bytes = 64 << 20;

// rpm's rpmfileFlags and rpmVerifyFlags.
constexpr std::uint32_t config = 1, ghost = 64;
constexpr std::uint32_t verify_digest = 1, verify_size = 2, verify_mtime = 32;

// Marked %config or %ghost; or %verify(not md5 size mtime): some program writes it.
bool is_configuration(std::uint32_t flags, std::uint32_t verified) {
  return (flags & (config | ghost)) != 0 || (verified & (verify_digest | verify_size | verify_mtime)) == 0;
}

std::vector<std::string> file_names(const RpmHeader& header) {
  const auto whole = header.strings(RpmTag::old_filenames);
  if (!whole.empty()) return {whole.begin(), whole.end()};
  const auto names = header.strings(RpmTag::basenames), directories = header.strings(RpmTag::dirnames);
  const auto indexes = header.numbers(RpmTag::dir_indexes);
  if (names.size() != indexes.size()) throw std::runtime_error("forged or damaged");
  std::vector<std::string> paths;
  for (std::size_t i = 0; i < names.size(); ++i) {
    if (indexes[i] >= directories.size()) throw std::runtime_error("forged or damaged");
    paths.emplace_back(directories[indexes[i]]).append(names[i]);
  }
  return paths;
}

// One number a file; `none` for all where the package has no such tag.
std::vector<std::uint32_t> number_each(const RpmHeader& header, RpmTag tag, std::size_t files, std::uint32_t none) {
  auto numbers = header.numbers(tag);
  if (numbers.empty()) numbers.assign(files, none);
  if (numbers.size() != files) throw std::runtime_error("forged or damaged");
  return numbers;
}

// The answer of the child: paths that end with NUL. A package is its name, its version, its files, and an empty path;
// an empty name ends the packages, and the conffiles follow.
std::string written(const Inventory& inventory) {
  std::string answer;
  const auto add = [&](const std::string& text) { answer.append(text).push_back('\0'); };
  for (const auto& package : inventory.packages) {
    add(package.name);
    add(package.version);
    for (const auto& file : package.files) add(file);
    add("");
  }
  add("");
  for (const auto& path : inventory.conffiles) add(path);
  return answer;
}

void add_written(std::string_view answer, Inventory& inventory) {
  const auto take = [&] { return take_until(answer, '\0'); };
  for (auto name = take(); !name.empty(); name = take()) {
    Package package{std::string(name), std::string(take())};
    for (auto file = take(); !file.empty(); file = take()) inventory.add_file(package, file);
    inventory.packages.push_back(std::move(package));
  }
  while (!answer.empty()) inventory.add_conffile(take());
}

constexpr char failed = 'f', done = 'd';

std::string read_in_child(const RootDir& place, bool with_packages) try {
  Inventory found(with_packages);
  const Fd copy = copy_sqlite(place, rpm_database, copies);
  read_blobs(copy.get(), "Packages", "blob", [&](std::string_view header) { add_rpm_package(header, found); });
  return done + written(found);
} catch (const std::runtime_error& error) {
  return failed + std::string(error.what());
}

std::uint64_t size_of(const RootDir& place, const std::string& leaf) {
  const auto inode = stat_name(place.fd(), leaf.c_str());
  return inode ? inode->stamp.size : 0;
}

void add_database(const RootDir& place, const std::string& path, Inventory& inventory) {
  const auto bytes = size_of(place, rpm_database) + size_of(place, rpm_database + "-wal");
  if (bytes > most_sqlite_bytes) throw Unreadable(path, "too large");
  const ChildLimits limits{most_seconds, memory_bytes + bytes, most_answer_bytes};
  const auto answer = answer_of_child([&] { return read_in_child(place, inventory.with_packages()); }, limits);
  if (!answer || answer->empty()) throw Unreadable(path, "takes too much memory or time, or ends what reads it");
  if (answer->front() == failed) throw Unreadable(path, answer->substr(1));
  add_written(std::string_view(*answer).substr(1), inventory);
}

bool read_place(const std::string& path, Fd directory, Inventory& inventory) {
  const RootDir place(path, std::move(directory));
  const auto has = [&](const std::string& leaf) { return stat_name(place.fd(), leaf.c_str()).has_value(); };
  const bool is_there = has(rpm_database);
  if (is_there) add_database(place, path + "/" + rpm_database, inventory);
  for (const auto* other : kinds_not_read)
    if (has(other)) throw Unreadable(path + "/" + other, "rpm database of a kind that is not read");
  return is_there;
}

}  // namespace

void add_rpm_package(std::string_view bytes, Inventory& inventory) {
  const RpmHeader header(bytes);
  const auto paths = file_names(header);
  const auto flags = number_each(header, RpmTag::file_flags, paths.size(), 0);
  const auto verified = number_each(header, RpmTag::file_verify_flags, paths.size(), ~0u);
  for (std::size_t i = 0; i < paths.size(); ++i)
    if (is_configuration(flags[i], verified[i])) inventory.add_conffile(paths[i]);
  if (!inventory.with_packages()) return;
  const auto states = number_each(header, RpmTag::file_states, paths.size(), 0);
  Package package{.name = std::string(header.string(RpmTag::name)), .version = {}};
  package.version.append(header.string(RpmTag::version)).append("-").append(header.string(RpmTag::release));
  for (std::size_t i = 0; i < paths.size(); ++i)
    if (states[i] == 0) inventory.add_file(package, paths[i]);  // 0: normal; others were replaced, or not installed
  if (!package.name.empty()) inventory.packages.push_back(std::move(package));
}

bool read_rpm(const GuestFiles& files, Inventory& inventory) {
  bool is_there = false;
  for (auto& [path, directory] : files.places(rpm_places))
    is_there |= read_place(path, std::move(directory), inventory);
  return is_there;
}

}  // namespace vunify
