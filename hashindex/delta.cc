// SPDX-License-Identifier: Apache-2.0
#include "hashindex/delta.h"

#include <algorithm>
#include <filesystem>
#include <queue>
#include <span>
#include <system_error>
#include <utility>

#include "db/bytes.h"

namespace vunify {
namespace {

constexpr std::size_t most_in_batch = 32768;  // about 4 MiB
constexpr auto batch_age = std::chrono::seconds(2);

std::string path_of(const std::string& index_path) { return index_path + ".delta"; }

std::string to_value(const Finding& finding) {
  std::string bytes;
  put(bytes, static_cast<std::uint8_t>(finding.is_gone));
  put(bytes, finding.stat_hash);
  bytes += to_bytes(finding.record);
  return bytes + finding.handle;
}

Finding finding_from(std::string_view key, std::string_view value) {
  Finding finding;
  finding.key = key_from(key);
  Unpack in(value);
  finding.is_gone = in.take<std::uint8_t>() != 0;
  finding.stat_hash = in.take<std::uint64_t>();
  finding.record = record_from(in.rest());
  finding.handle = in.rest().substr(std::min(in.rest().size(), to_bytes(Record{}).size()));
  return finding;
}

void append(const lmdb::Transaction& writing, MDB_dbi table, const std::string& prefix,
            std::span<const Finding> batch) {
  lmdb::Cursor cursor(writing, table);
  for (std::size_t i = 0; i < batch.size(); ++i)
    if (i + 1 == batch.size() || batch[i + 1].key != batch[i].key)  // of equal ones the last counts
      cursor.append(prefix + to_bytes(batch[i].key), to_value(batch[i]));
}

// Where the reading of one batch stands.
struct SortedBatch {
  std::unique_ptr<lmdb::Cursor> cursor;
  std::uint32_t batch = 0;
  lmdb::Entry at;

  std::string_view key() const { return at.key.substr(std::min(at.key.size(), sizeof batch)); }
  bool take(std::optional<lmdb::Entry> entry) {
    if (!entry || Unpack(entry->key).take<std::uint32_t>() != batch) return false;
    at = *entry;
    return true;
  }
};

// The smallest key on top, of equal ones the latest.
struct Later {
  bool operator()(const SortedBatch& a, const SortedBatch& b) const {
    return a.key() != b.key() ? a.key() > b.key() : a.batch < b.batch;
  }
};

}  // namespace

// A run that was killed while it made the file may have left it empty, or without its table.
bool findings_read_well(const std::string& index_path) {
  const auto path = path_of(index_path);
  if (!std::filesystem::exists(path) || std::filesystem::file_size(path) == 0) return true;
  try {
    const lmdb::Environment environment(path, lmdb::Access::read, {"findings"});
    return lmdb::reads_well(environment);
  } catch (const std::system_error& error) {
    return error.code().value() == MDB_NOTFOUND;
  }
}

Delta::Delta(const std::string& index_path) : path_(path_of(index_path)) {}

lmdb::Environment& Delta::environment() {
  if (environment_) return *environment_;
  environment_ = std::make_unique<lmdb::Environment>(path_, lmdb::Access::write, std::vector<std::string>{"findings"});
  const lmdb::Transaction reading(*environment_, lmdb::Access::read);
  if (const auto last = lmdb::Cursor(reading, environment_->table(0)).last())
    next_batch_ = Unpack(last->key).take<std::uint32_t>() + 1;
  return *environment_;
}

void Delta::add(Finding finding) {
  const std::lock_guard lock(adding_);
  batch_.push_back(std::move(finding));
  if (batch_.size() >= most_in_batch || std::chrono::steady_clock::now() - last_written_ > batch_age) write_batch();
}

void Delta::flush() {
  const std::lock_guard lock(adding_);
  write_batch();
}

void Delta::write_batch() {
  last_written_ = std::chrono::steady_clock::now();
  if (batch_.empty()) return;
  auto batch = std::exchange(batch_, {});
  std::ranges::stable_sort(batch, {}, &Finding::key);
  lmdb::Transaction writing(environment(), lmdb::Access::write);
  append(writing, environment_->table(0), bytes_of(next_batch_), batch);
  writing.commit();
  ++next_batch_;
}

bool Delta::is_empty() {
  const std::lock_guard lock(adding_);
  return batch_.empty() && !environment_ && !std::filesystem::exists(path_);
}

void Delta::for_each(const std::function<void(const Finding&)>& use) {
  if (is_empty()) return;
  flush();
  const lmdb::Transaction reading(environment(), lmdb::Access::read);
  std::priority_queue<SortedBatch, std::vector<SortedBatch>, Later> runs;
  for (std::uint32_t batch = 0; batch < next_batch_; ++batch) {
    SortedBatch run{std::make_unique<lmdb::Cursor>(reading, environment_->table(0)), batch, {}};
    if (run.take(run.cursor->at_or_after(bytes_of(batch)))) runs.push(std::move(run));
  }
  std::string last;
  while (!runs.empty()) {
    auto run = std::move(const_cast<SortedBatch&>(runs.top()));
    runs.pop();
    if (run.key() != last) use(finding_from(run.key(), run.at.value));
    last = run.key();
    if (run.take(run.cursor->next())) runs.push(std::move(run));
  }
}

void Delta::remove() {
  const std::lock_guard lock(adding_);
  environment_.reset();
  next_batch_ = 0;
  for (const auto* suffix : {"", "-lock"}) std::filesystem::remove(path_ + suffix);
}

}  // namespace vunify
