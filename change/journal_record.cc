// SPDX-License-Identifier: Apache-2.0
#include "change/journal_record.h"

#include <algorithm>
#include <charconv>
#include <optional>
#include <stdexcept>

namespace vunify {
namespace {

// A record is a header, "vunify-journal 3 KIND CHAIN NUMBER LENGTH CHECKSUM CHECKSUM\n" padded to header_bytes, and
// LENGTH bytes of fields, each "SIZE:BYTES". The first checksum is of the fields, the second of the header before it.
// The header of a chain's first record lies within one sector, which a disk writes as a whole.
constexpr std::size_t header_bytes = 128;
constexpr std::string_view any_version = "vunify-journal ";
constexpr std::string_view magic = "vunify-journal 3 ";
constexpr std::string_view over_in_any_version = " + 0 ";  // behind the version: a first record without sets

class Writer {
 public:
  void put(std::string_view field) { text_.append(std::to_string(field.size())).append(":").append(field); }
  void put(std::uint64_t number) { put(std::to_string(number)); }
  void put(Timestamp time) {
    put(static_cast<std::uint64_t>(time.sec));
    put(std::uint64_t{time.nsec});
  }
  void put(Intent intent) { put(static_cast<std::uint64_t>(intent)); }
  void put(Protection protection) { put(static_cast<std::uint64_t>(protection)); }
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
  void take(std::string& field) { field = string(); }
  void take(std::uint64_t& field) { field = number(); }
  void take(Timestamp& time) {
    time.sec = static_cast<std::int64_t>(number());
    time.nsec = static_cast<std::uint32_t>(number());
  }
  void take(Intent& intent) { intent = kind(Intent::keep); }
  void take(Protection& protection) { protection = kind(protections.back().protection); }
  std::uint64_t number_before(char end) {
    std::uint64_t value = 0;
    const auto [stop, error] = std::from_chars(text_.data(), text_.data() + text_.size(), value);
    const auto digits = static_cast<std::size_t>(stop - text_.data());
    if (error != std::errc{} || digits == text_.size() || *stop != end) throw std::invalid_argument("journal field");
    text_.remove_prefix(digits + 1);
    return value;
  }

 private:
  // Of an enumeration; what this program does not know is damage.
  template <typename Kind>
  Kind kind(Kind last) {
    const auto value = number();
    if (value > static_cast<std::uint64_t>(last)) throw std::invalid_argument("journal number");
    return static_cast<Kind>(value);
  }

  std::string_view text_;
};

// In the order that they have in a record; of names, behind how many there are.
template <typename Set, typename Field>
void for_each_field(Set& set, const Field& field) {
  field(set.intent);
  field(set.staging);
  field(set.fs);
  field(set.root);
  field(set.path);
  field(set.keeper);
  field(set.handle);
  field(set.size);
  field(set.mtime);
  field(set.protection);
}

template <typename Name, typename Field>
void for_each_field_of_name(Name& name, const Field& field) {
  field(name.staged);
  field(name.root);
  field(name.path);
  field(name.before);
  field(name.after);
  field(name.directory_mtime);
}

void put(Writer& out, const JournaledSet& set) {
  const auto put_one = [&out](const auto& field) { out.put(field); };
  for_each_field(set, put_one);
  out.put(set.names.size());
  for (const auto& name : set.names) for_each_field_of_name(name, put_one);
}

JournaledSet take(Reader& in) {
  JournaledSet set;
  const auto take_one = [&in](auto& field) { in.take(field); };
  for_each_field(set, take_one);
  set.names.resize(in.number());
  for (auto& name : set.names) for_each_field_of_name(name, take_one);
  return set;
}

struct Header {
  RecordKind kind = RecordKind::batch;
  ChainPlace place{};
  std::uint64_t length = 0;
  std::uint64_t checksum = 0;  // of the fields
};

std::string text_of(const Header& header, const JournalKey& key) {
  auto text = std::string(magic) + static_cast<char>(header.kind);
  for (const auto number : {header.place.chain, header.place.number, header.length, header.checksum})
    text += " " + std::to_string(number);
  text += " " + std::to_string(key.checksum(text)) + "\n";
  text.resize(header_bytes, ' ');
  return text;
}

// What the bytes begin with, if it is ours.
std::optional<Header> read_header(std::string_view bytes, const JournalKey& key) {
  if (bytes.size() < header_bytes || !bytes.starts_with(magic)) return std::nullopt;
  const auto text = bytes.substr(0, header_bytes);
  try {
    Header header{.kind = static_cast<RecordKind>(text[magic.size()])};
    Reader in(text.substr(magic.size() + 2));
    for (auto* number : {&header.place.chain, &header.place.number, &header.length, &header.checksum})
      *number = in.number_before(' ');
    if (text == text_of(header, key)) return header;
  } catch (const std::invalid_argument&) {
    return std::nullopt;
  }
  return std::nullopt;
}

// The file's records, in their order, whatever lies between them.
class ChainReader {
 public:
  ChainReader(std::string_view file, const JournalKey& key) : file_(file), key_(key) {}

  Chain read() {
    chain_.damaged = is_damaged_from_the_start();
    for (std::size_t at = 0; (at = file_.find(magic, at)) != std::string_view::npos;) at += take_at(at).value_or(1);
    return std::move(chain_);
  }

 private:
  // What was never synced may be short, or zeros.
  bool is_damaged_from_the_start() const {
    const auto first = file_.substr(0, header_bytes);
    return first.size() == header_bytes && first.find_first_not_of('\0') != first.npos && !read_header(first, key_);
  }

  // The record's length, or nothing where there is none, or none that goes on with the chain.
  std::optional<std::size_t> take_at(std::size_t at) {
    const auto header = read_header(file_.substr(at), key_);
    if (!header || (number_ && header->place.chain != number_)) return std::nullopt;
    number_ = header->place.chain;
    const auto fields = file_.substr(at + header_bytes, header->length);
    if (header->place.number < next_ || fields.size() != header->length || key_.checksum(fields) != header->checksum)
      return std::nullopt;
    if (header->place.number > next_) lose_one();
    next_ = header->place.number + 1;
    take(header->kind, fields);
    return header_bytes + fields.size();
  }

  // What could not be read may have been an amendment: of copies that were being made it would say which they are.
  void lose_one() {
    chain_.damaged = true;
    const auto is_being_made = [](const JournaledName& name) { return name.before == 0; };
    const auto in_doubt = std::remove_if(from_last(), chain_.sets.end(), [&](const JournaledSet& set) {
      return std::ranges::any_of(set.names, is_being_made);
    });
    chain_.sets.erase(in_doubt, chain_.sets.end());
    last_ = chain_.sets.size();
  }

  void take(RecordKind kind, std::string_view fields) {
    if (kind == RecordKind::amendment) chain_.sets.erase(from_last(), chain_.sets.end());
    last_ = chain_.sets.size();
    for (Reader in(fields); !in.is_done();) chain_.sets.push_back(vunify::take(in));
  }

  std::vector<JournaledSet>::iterator from_last() { return chain_.sets.begin() + static_cast<std::ptrdiff_t>(last_); }

  std::string_view file_;
  const JournalKey& key_;
  Chain chain_;
  std::uint64_t number_ = 0;  // the chain's, once it is known
  std::uint64_t next_ = 0;
  std::size_t last_ = 0;  // where the sets of the last batch begin
};

// What came after the version in all that were released so far.
bool is_of_another_version(std::string_view file) {
  if (file.size() < header_bytes / 2 || !file.starts_with(any_version) || file.starts_with(magic)) return false;
  const auto behind = file.find_first_not_of("0123456789", any_version.size());
  return behind > any_version.size() && behind != file.npos && file[behind] == ' ';
}

bool is_over(std::string_view file) {
  return file.substr(file.find(' ', any_version.size())).starts_with(over_in_any_version);
}

}  // namespace

std::string record_of(RecordKind kind, ChainPlace place, const std::vector<JournaledSet>& sets, const JournalKey& key) {
  Writer fields;
  for (const auto& set : sets) put(fields, set);
  const Header header{kind, place, fields.text().size(), key.checksum(fields.text())};
  return text_of(header, key) + fields.text();
}

Chain read_chain(std::string_view file, const JournalKey& key) {
  if (!is_of_another_version(file)) return ChainReader(file, key).read();
  if (!is_over(file)) throw std::runtime_error("was written by another version of vunify");
  return {};
}

}  // namespace vunify
