// SPDX-License-Identifier: Apache-2.0
#include "account/history.h"

#include <fcntl.h>
#include <fmt/format.h>

#include <cstdio>
#include <filesystem>
#include <limits>

#include "account/sample_record.h"
#include "db/bytes.h"
#include "db/checked.h"
#include "sys/child.h"
#include "sys/fd.h"

namespace vunify {
namespace {

using lmdb::Access;

constexpr std::uint8_t version = 1;
constexpr unsigned most_seconds = 600;
constexpr std::uint64_t map_and_more_bytes = std::uint64_t{96} << 30;  // of addresses: db/lmdb maps 64 GiB

constexpr std::uint32_t first_content = std::uint32_t{1} << 31;
constexpr std::size_t daily_samples = 400;  // then weekly: a year, and what it is compared with
constexpr Day week = 7;

const std::vector<std::string> history_tables{"samples"};

std::string key_of(const FsId& fs, Day day, std::uint32_t number) {
  std::string key;
  for (const auto part : {fs.uuid_high, fs.uuid_low, fs.subvolume}) put(key, part);
  put(key, static_cast<std::uint64_t>(day) ^ std::uint64_t{1} << 63);  // days before 1970 come first
  put(key, number);
  return key;
}

struct Place {
  FsId fs;
  Day day = 0;
  std::uint32_t number = 0;
};

Place place_of(std::string_view key) {
  Unpack in(key);
  Place place;
  for (auto* part : {&place.fs.uuid_high, &place.fs.uuid_low, &place.fs.subvolume}) *part = in.take<std::uint64_t>();
  place.day = static_cast<Day>(in.take<std::uint64_t>() ^ std::uint64_t{1} << 63);
  place.number = in.take<std::uint32_t>();
  return place;
}

void expect_roots_alone(const Inode& inode, const std::string& path) {
  if (inode.is_regular() && inode.uid == 0 && inode.nlink == 1 && (inode.mode & 077) == 0) return;
  errno = EPERM;
  throw_errno("open", path);
}

// "DAMAGED OTHER": how many records are, and how many another version wrote. Throws where the file cannot be a history.
std::string count_unread(const std::string& path) {
  const lmdb::Environment environment(path, Access::still, history_tables);
  if (!lmdb::reads_well(environment)) throw std::system_error(EUCLEAN, std::generic_category(), path);
  const lmdb::Transaction reading(environment, Access::still);
  lmdb::Cursor cursor(reading, environment.table(0));
  unsigned damaged = 0, other = 0;
  for (auto entry = cursor.first(); entry; entry = cursor.next()) {
    const auto record = check_out(entry->key, entry->value);
    if (!record) ++damaged;
    if (record && record->version != version) ++other;
  }
  return fmt::format("{} {}", damaged, other);
}

std::string tell_unread(const std::string& counts) {
  unsigned damaged = 0, other = 0;
  if (std::sscanf(counts.c_str(), "%u %u", &damaged, &other) != 2 || damaged + other == 0) return "";
  return fmt::format("left out, of its records: {} damaged, {} of another version of vunify", damaged, other);
}

std::optional<std::string_view> body_of(const lmdb::Entry& entry) {
  const auto record = check_out(entry.key, entry.value);
  if (!record || record->version != version) return std::nullopt;
  return record->body;
}

// Takes the sample that begins at the entry, and leaves the cursor behind it. Nothing where its first record is gone.
std::optional<Sample> take_sample(lmdb::Cursor& cursor, std::optional<lmdb::Entry>& entry) {
  const auto first = place_of(entry->key);
  std::optional<Sample> sample;
  for (; entry; entry = cursor.next()) {
    const auto place = place_of(entry->key);
    if (place.fs != first.fs || place.day != first.day) break;
    const auto body = body_of(*entry);
    if (body && place.number == 0) sample = sample_from(place.fs, *body);
    if (!body || place.number == 0 || !sample) continue;
    if (place.number < first_content)
      sample->holders.push_back(holder_from(*body));
    else
      sample->contents.push_back(content_from(*body));
  }
  return sample;
}

void remove_sample(lmdb::Cursor& cursor, const FsId& fs, Day day) {
  for (auto entry = cursor.at_or_after(key_of(fs, day, 0)); entry; entry = cursor.current()) {
    const auto place = place_of(entry->key);
    if (place.fs != fs || place.day != day) return;
    cursor.remove();
  }
}

void put_sample(lmdb::Transaction& writing, MDB_dbi table, const Sample& sample) {
  const auto day = day_of(sample.taken);
  std::uint32_t number = 0;
  const auto put_record = [&](const std::string& body) {
    const auto key = key_of(sample.fs, day, number++);
    writing.put(table, key, check_in(key, version, body));
  };
  put_record(to_bytes(sample));
  for (const auto& holder : sample.holders) put_record(to_bytes(holder));
  number = first_content;
  for (const auto& content : sample.contents) put_record(to_bytes(content));
}

// Returns what is to be said of the clock; else empty.
std::string keep_sample(lmdb::Transaction& writing, MDB_dbi table, const Sample& sample) {
  const auto day = day_of(sample.taken);
  lmdb::Cursor cursor(writing, table);
  auto entry = cursor.find(key_of(sample.fs, day, 0));
  const auto before = entry ? take_sample(cursor, entry) : std::nullopt;
  if (before && before->taken > sample.taken)
    return fmt::format("{}: the clock went back: the later sample of {} stays", sample.path, date_of(day));
  remove_sample(cursor, sample.fs, day);
  put_sample(writing, table, sample);
  const auto later = cursor.at_or_after(key_of(sample.fs, day + 1, 0));
  if (!later || place_of(later->key).fs != sample.fs) return "";
  return fmt::format("{}: the clock went back, or was ahead: there is a sample of {}, and now one of {}", sample.path,
                     date_of(place_of(later->key).day), date_of(day));
}

// The first day of a filesystem's that is not before `from`; nothing where there is none.
std::optional<Day> next_day(lmdb::Cursor& cursor, const FsId& fs, Day from) {
  const auto entry = cursor.at_or_after(key_of(fs, from, 0));
  if (!entry) return std::nullopt;
  const auto place = place_of(entry->key);
  return place.fs == fs ? std::optional(place.day) : std::nullopt;
}

void thin(lmdb::Transaction& writing, MDB_dbi table, const FsId& fs) {
  lmdb::Cursor cursor(writing, table);
  std::vector<Day> days;
  for (auto day = next_day(cursor, fs, std::numeric_limits<Day>::min()); day; day = next_day(cursor, fs, *day + 1))
    days.push_back(*day);
  for (std::size_t i = 1; i + daily_samples < days.size(); ++i)
    if (days[i] / week == days[i - 1] / week) remove_sample(cursor, fs, days[i]);
}

// What another version wrote goes along; what is damaged does not.
void copy_all(const lmdb::Environment& from, lmdb::Transaction& writing, MDB_dbi table) {
  const lmdb::Transaction reading(from, Access::still);
  lmdb::Cursor source(reading, from.table(0)), copy(writing, table);
  for (auto entry = source.first(); entry; entry = source.next())
    if (check_out(entry->key, entry->value)) copy.append(entry->key, entry->value);
}

void remove_files(const std::string& path) {
  for (const auto* suffix : {"", "-lock"}) std::filesystem::remove(path + suffix);
}

}  // namespace

History::History(const std::string& state_dir, Access access) : path_(state_dir + "/history") {
  const auto file = stat_name(AT_FDCWD, path_.c_str());
  if (!file) return;
  expect_roots_alone(*file, path_);
  const auto counts =
      answer_of_child([&] { return count_unread(path_); },
                      {.seconds = most_seconds, .memory_bytes = map_and_more_bytes, .answer_bytes = 64});
  is_damaged_ = !counts;
  if (is_damaged_) note_ = access == Access::write ? "damaged; put aside and begun anew" : "damaged; not used";
  if (is_damaged_) return;
  note_ = tell_unread(*counts);
  environment_.emplace(path_, Access::still, history_tables);
}

std::vector<FsId> History::filesystems() const {
  std::vector<FsId> found;
  if (!environment_) return found;
  const lmdb::Transaction reading(*environment_, Access::still);
  lmdb::Cursor cursor(reading, environment_->table(0));
  for (auto entry = cursor.first(); entry;) {
    found.push_back(place_of(entry->key).fs);
    entry = cursor.at_or_after(key_of(found.back(), std::numeric_limits<Day>::max(), ~0U));
  }
  return found;
}

std::vector<Sample> History::all(const FsId& fs) const {
  std::vector<Sample> found;
  if (!environment_) return found;
  const lmdb::Transaction reading(*environment_, Access::still);
  lmdb::Cursor cursor(reading, environment_->table(0));
  auto entry = cursor.at_or_after(key_of(fs, std::numeric_limits<Day>::min(), 0));
  while (entry && place_of(entry->key).fs == fs)
    if (auto sample = take_sample(cursor, entry)) found.push_back(std::move(*sample));
  return found;
}

std::optional<Sample> History::last(const FsId& fs, const Timestamp& now) const {
  if (!environment_) return std::nullopt;
  const lmdb::Transaction reading(*environment_, Access::still);
  lmdb::Cursor cursor(reading, environment_->table(0));
  const auto behind = cursor.at_or_after(key_of(fs, day_of(now) + 1, 0));
  for (auto entry = behind ? cursor.previous() : cursor.last(); entry;) {
    const auto place = place_of(entry->key);
    if (place.fs != fs) return std::nullopt;
    entry = cursor.at_or_after(key_of(fs, place.day, 0));
    if (auto sample = take_sample(cursor, entry)) return sample;
    cursor.at_or_after(key_of(fs, place.day, 0));
    entry = cursor.previous();
  }
  return std::nullopt;
}

std::vector<std::string> History::keep(const std::vector<Sample>& samples) {
  const auto successor = path_ + ".new";
  std::vector<std::string> notes;
  try {
    remove_files(successor);
    const lmdb::Environment environment(successor, Access::write, history_tables);
    lmdb::Transaction writing(environment, Access::write);
    if (environment_) copy_all(*environment_, writing, environment.table(0));
    for (const auto& sample : samples) {
      if (auto note = keep_sample(writing, environment.table(0), sample); !note.empty())
        notes.push_back(std::move(note));
      thin(writing, environment.table(0), sample.fs);
    }
    writing.commit();
  } catch (const std::system_error&) {
    remove_files(successor);
    throw;
  }
  put_in_place(successor);
  return notes;
}

void History::put_in_place(const std::string& successor) {
  if (is_damaged_) std::filesystem::rename(path_, path_ + ".damaged");
  std::filesystem::rename(successor, path_);
  remove_files(successor);
  const auto directory = std::filesystem::path(path_).parent_path().string();
  sync_data(open_host(directory, O_RDONLY | O_DIRECTORY).get(), directory);
  is_damaged_ = false;
  environment_.emplace(path_, Access::still, history_tables);
}

}  // namespace vunify
