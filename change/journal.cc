// SPDX-License-Identifier: Apache-2.0
#include "change/journal.h"

#include <fcntl.h>
#include <xxhash.h>

#include <charconv>
#include <filesystem>
#include <stdexcept>

namespace vunify {
namespace {

// A file is a chain of records: "vunify-journal 2 KIND LENGTH CHECKSUM\n", padded to header_bytes, then LENGTH bytes of
// fields, each "SIZE:BYTES". Each checksum is seeded with the record before, so that the chain ends where an older one,
// not yet written over, goes on. An amendment counts in place of the record before it.
constexpr std::size_t header_bytes = 64;
constexpr std::string_view any_version = "vunify-journal ";
constexpr std::string_view magic = "vunify-journal 2 ";
constexpr std::string_view file_prefix = "journal.";
constexpr char kind_batch = '+';
constexpr char kind_amendment = '=';
constexpr std::size_t kind_bytes = 2;  // with the blank behind it
constexpr std::uint64_t first_seed = 0;
constexpr std::uint64_t full_bytes = 8 << 20;  // some ten batches; the next start reads them all

class Writer {
 public:
  void put(std::string_view field) { text_.append(std::to_string(field.size())).append(":").append(field); }
  void put(std::uint64_t number) { put(std::to_string(number)); }
  const std::string& text() const { return text_; }

 private:
  std::string text_;
};

class Reader {
 public:
  explicit Reader(std::string_view text) : text_(text) {}
  bool is_done() const { return text_.empty(); }

  std::string string() {
    const auto size = number_before(':');
    if (size > text_.size()) throw std::invalid_argument("journal field too long");
    std::string field(text_.substr(0, size));
    text_.remove_prefix(size);
    return field;
  }
  std::uint64_t number() { return std::stoull(string()); }

 private:
  std::size_t number_before(char end) {
    std::size_t value = 0;
    const auto [stop, error] = std::from_chars(text_.data(), text_.data() + text_.size(), value);
    const auto digits = static_cast<std::size_t>(stop - text_.data());
    if (error != std::errc{} || digits == text_.size() || *stop != end) throw std::invalid_argument("journal field");
    text_.remove_prefix(digits + 1);
    return value;
  }

  std::string_view text_;
};

void put(Writer& out, Timestamp time) {
  out.put(static_cast<std::uint64_t>(time.sec));
  out.put(time.nsec);
}

Timestamp take_time(Reader& in) {
  const auto sec = static_cast<std::int64_t>(in.number());
  return {sec, static_cast<std::uint32_t>(in.number())};
}

void put(Writer& out, const JournaledSet& set) {
  out.put(static_cast<std::uint64_t>(set.intent));
  out.put(set.staging);
  out.put(set.fs);
  out.put(set.root);
  out.put(set.path);
  out.put(set.keeper);
  out.put(set.handle);
  out.put(set.size);
  put(out, set.mtime);
  out.put(static_cast<std::uint64_t>(set.protection));
  out.put(set.names.size());
  for (const auto& name : set.names) {
    out.put(name.staged);
    out.put(name.root);
    out.put(name.path);
    out.put(name.before);
    out.put(name.after);
    put(out, name.directory_mtime);
  }
}

// Of an enumeration; what this program does not know is damage.
template <typename Kind>
Kind take_kind(Reader& in, Kind last) {
  const auto number = in.number();
  if (number > static_cast<std::uint64_t>(last)) throw std::invalid_argument("journal number");
  return static_cast<Kind>(number);
}

JournaledSet take(Reader& in) {
  JournaledSet set;
  set.intent = take_kind(in, Intent::keep);
  set.staging = in.string();
  set.fs = in.string();
  set.root = in.string();
  set.path = in.string();
  set.keeper = in.number();
  set.handle = in.string();
  set.size = in.number();
  set.mtime = take_time(in);
  set.protection = take_kind(in, protections.back().protection);
  set.names.resize(in.number());
  for (auto& name : set.names) {
    name.staged = in.string();
    name.root = in.string();
    name.path = in.string();
    name.before = in.number();
    name.after = in.number();
    name.directory_mtime = take_time(in);
  }
  return set;
}

std::string header_of(char kind, std::string_view body, std::uint64_t seed) {
  auto header =
      std::string(magic) + kind + " " + std::to_string(body.size()) + " " +
      std::to_string(XXH3_64bits_withSeed(body.data(), body.size(), seed + static_cast<unsigned char>(kind))) + "\n";
  header.resize(header_bytes, ' ');
  return header;
}

std::string record_of(char kind, const std::vector<JournaledSet>& sets, std::uint64_t seed) {
  Writer body;
  for (const auto& set : sets) put(body, set);
  return header_of(kind, body.text(), seed) + body.text();
}

std::uint64_t seed_after(std::string_view record) { return XXH3_64bits(record.data(), record.size()); }

char kind_of(std::string_view record) { return record[magic.size()]; }

// The whole record that the bytes begin with, or nothing.
std::string_view first_record(std::string_view bytes, std::uint64_t seed) {
  if (bytes.size() < header_bytes || !bytes.starts_with(magic)) return {};
  std::size_t length = 0;
  std::from_chars(bytes.data() + magic.size() + kind_bytes, bytes.data() + header_bytes, length);
  if (length > bytes.size() - header_bytes) return {};
  const auto body = bytes.substr(header_bytes, length);
  return bytes.starts_with(header_of(kind_of(bytes), body, seed)) ? bytes.substr(0, header_bytes + length)
                                                                  : std::string_view();
}

std::vector<JournaledSet> parse(std::string_view file) {
  std::vector<JournaledSet> sets;
  std::size_t begun = 0;  // where the sets of the last batch begin
  auto seed = first_seed;
  for (std::string_view record; !(record = first_record(file, seed)).empty(); seed = seed_after(record)) {
    if (kind_of(record) == kind_amendment)
      sets.resize(begun);
    else
      begun = sets.size();
    for (Reader in(record.substr(header_bytes)); !in.is_done();) sets.push_back(take(in));
    file.remove_prefix(record.size());
  }
  return sets;
}

std::vector<std::string> journal_files(const std::string& state_dir) {
  std::vector<std::string> files;
  for (const auto& entry : std::filesystem::directory_iterator(state_dir))
    if (entry.path().filename().string().starts_with(file_prefix)) files.push_back(entry.path());
  return files;
}

}  // namespace

Journal::Journal(const std::string& state_dir, const std::string& worker)
    : path_(state_dir + "/" + std::string(file_prefix) + worker),
      fd_(open_host(path_, O_RDWR | O_CREAT | O_NOFOLLOW)),
      seed_(first_seed) {
  sync_data(open_host(state_dir, O_RDONLY | O_DIRECTORY).get(),
            state_dir);  // its name, too: not all filesystems log it
}

void Journal::add(char kind, const std::vector<JournaledSet>& sets) {
  const auto record = record_of(kind, sets, seed_);
  has_records_ = true;
  write_at(fd_.get(), end_, record, path_);
  sync_data(fd_.get(), path_);
  end_ += record.size();
  seed_ = seed_after(record);
}

void Journal::begin(const std::vector<JournaledSet>& sets) { add(kind_batch, sets); }
void Journal::amend(const std::vector<JournaledSet>& sets) { add(kind_amendment, sets); }

bool Journal::is_full() const { return end_ >= full_bytes; }

void Journal::rewind() {
  end_ = 0;
  seed_ = first_seed;
}

void Journal::set_aside() {
  std::string aside;
  for (int n = 0; aside.empty() || std::filesystem::exists(aside); ++n) aside = path_ + ".kept" + std::to_string(n);
  std::filesystem::rename(path_, aside);
  fd_ = open_host(path_, O_RDWR | O_CREAT | O_NOFOLLOW);
  has_records_ = false;
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
  write_at(fd_.get(), 0, header_of(kind_batch, {}, first_seed), path_);
}

std::vector<JournaledSet> read_journals(const std::string& state_dir) {
  std::vector<JournaledSet> sets;
  for (const auto& path : journal_files(state_dir)) {
    const auto file = read_all(open_host(path, O_RDONLY | O_NOFOLLOW).get(), path);
    if (file.size() >= header_bytes && file.starts_with(any_version) && !file.starts_with(magic))
      throw std::runtime_error(path + " was written by another version of vunify");
    for (auto& set : parse(file)) sets.push_back(std::move(set));
  }
  return sets;
}

void replace_journals(const std::string& state_dir, const std::vector<JournaledSet>& unresolved) {
  const auto old = journal_files(state_dir);
  const auto kept = state_dir + "/" + std::string(file_prefix) + "unresolved";
  if (!unresolved.empty()) {
    Journal(state_dir, "new").begin(unresolved);
    std::filesystem::rename(state_dir + "/" + std::string(file_prefix) + "new", kept);
  }
  for (const auto& path : old)
    if (unresolved.empty() || path != kept) std::filesystem::remove(path);
}

}  // namespace vunify
