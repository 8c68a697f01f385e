// SPDX-License-Identifier: Apache-2.0
#include "change/journal.h"

#include <fcntl.h>

#include <algorithm>
#include <filesystem>
#include <iterator>
#include <random>
#include <stdexcept>

#include "change/journal_record.h"

namespace vunify {
namespace {

constexpr std::string_view file_prefix = "journal.";
constexpr std::string_view unresolved_leaf = "journal.unresolved";
constexpr std::string_view damaged_prefix = "damaged-";  // before a file's name: no journal any more
constexpr std::uint64_t full_bytes = 8 << 20;            // some ten batches; the next start reads them all
constexpr std::uint64_t least_bytes = 64 << 10;          // for some hundred names, should the disk be full one night
constexpr std::string_view kept_infix = ".kept";         // of those that were set aside

std::uint64_t fresh_chain() {
  std::random_device random;
  return (std::uint64_t{random()} << 32 | random()) | 1;
}

std::vector<std::string> journal_files(const std::string& state_dir) {
  std::vector<std::string> files;
  for (const auto& entry : std::filesystem::directory_iterator(state_dir))
    if (entry.path().filename().string().starts_with(file_prefix)) files.push_back(entry.path());
  return files;
}

// A worker's stays, with the room that it has: on a full disk there would be none for another.
void empty_journal(const std::string& path, const JournalKey& key) {
  if (path.ends_with(unresolved_leaf) || path.find(kept_infix) != path.npos) {
    std::filesystem::remove(path);
    return;
  }
  const Fd fd = open_host(path, O_RDWR | O_NOFOLLOW);
  if (read_chain(read_all(fd.get(), path), key).sets.empty()) return;
  write_at(fd.get(), 0, record_of(RecordKind::batch, {fresh_chain(), 0}, {}, key), path);
  sync_data(fd.get(), path);
}

}  // namespace

Journal::Journal(const std::string& state_dir, const std::string& worker)
    : key_(JournalKey::make(state_dir)),
      path_(state_dir + "/" + std::string(file_prefix) + worker),
      fd_(open_host(path_, O_RDWR | O_CREAT | O_NOFOLLOW)),
      chain_(fresh_chain()) {
  preallocate(fd_.get(), least_bytes);
  // Its name, too: not all filesystems log it.
  sync_data(open_host(state_dir, O_RDONLY | O_DIRECTORY).get(), state_dir);
}

void Journal::add(const std::string& record) {
  has_records_ = true;
  write_at(fd_.get(), end_, record, path_);
  sync_data(fd_.get(), path_);
  end_ += record.size();
  ++number_;
}

void Journal::begin(const std::vector<JournaledSet>& sets) {
  add(record_of(RecordKind::batch, {chain_, number_}, sets, key_));
}

void Journal::amend(const std::vector<JournaledSet>& sets) {
  add(record_of(RecordKind::amendment, {chain_, number_}, sets, key_));
}

bool Journal::is_full() const { return end_ >= full_bytes; }

void Journal::write_end() { write_at(fd_.get(), 0, record_of(RecordKind::batch, {chain_, 0}, {}, key_), path_); }

// A chain of several records is void on disk before another is begun over it: else a new one that is torn would leave
// the second of the old one behind what cannot be read, which is how damage looks.
void Journal::rewind() {
  const bool several = number_ > 1;
  chain_ = fresh_chain();
  end_ = number_ = 0;
  if (!several) return;
  write_end();
  sync_data(fd_.get(), path_);
}

void Journal::set_aside() {
  std::string aside;
  for (int n = 0; aside.empty() || std::filesystem::exists(aside); ++n)
    aside = path_ + std::string(kept_infix) + std::to_string(n);
  std::filesystem::rename(path_, aside);
  fd_ = open_host(path_, O_RDWR | O_CREAT | O_NOFOLLOW);
  has_records_ = false;
  number_ = 0;
  rewind();
}

void Journal::over(int fs, const std::string& path) { unsynced_[fs] = path; }

void Journal::sync_all() {
  for (const auto& [fs, path] : unsynced_) sync_filesystem(fs, path);
  unsynced_.clear();
  rewind();
}

void Journal::forget(int fs, const std::string& path) {
  unsynced_[fs] = path;
  sync_all();
}

void Journal::end() {
  if (!has_records_) return;
  sync_all();
  has_records_ = false;
  write_end();
}

Journals read_journals(const std::string& state_dir) {
  Journals journals;
  const auto key = JournalKey::look_up(state_dir);
  for (const auto& path : journal_files(state_dir)) {
    const auto file = read_all(open_host(path, O_RDONLY | O_NOFOLLOW).get(), path);
    try {
      auto chain = read_chain(file, key);
      std::ranges::move(chain.sets, std::back_inserter(journals.sets));
      if (chain.damaged) journals.damaged.push_back(path);
    } catch (const std::runtime_error& error) {
      throw std::runtime_error(path + " " + error.what());
    }
  }
  return journals;
}

std::string set_damaged_aside(const std::string& path) {
  const std::filesystem::path file(path);
  const auto aside = file.parent_path() / (std::string(damaged_prefix) + file.filename().string());
  std::filesystem::rename(file, aside);
  return aside;
}

void replace_journals(const std::string& state_dir, const std::vector<JournaledSet>& unresolved) {
  const auto old = journal_files(state_dir);
  const auto kept = state_dir + "/" + std::string(unresolved_leaf);
  const auto key = JournalKey::look_up(state_dir);
  if (!unresolved.empty()) {
    Journal(state_dir, "new").begin(unresolved);
    std::filesystem::rename(state_dir + "/" + std::string(file_prefix) + "new", kept);
  }
  for (const auto& path : old)
    if (unresolved.empty() || path != kept) empty_journal(path, key);
}

}  // namespace vunify
