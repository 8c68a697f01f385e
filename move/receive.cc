// SPDX-License-Identifier: Apache-2.0
#include "move/receive.h"

#include <algorithm>

#include "db/bytes.h"
#include "move/arrival.h"
#include "move/batches.h"
#include "move/conversation.h"
#include "move/find_alike.h"
#include "move/new_tree.h"
#include "move/supply.h"

namespace vunify {
namespace {

// What a stream can have us keep in memory, however small it came: ten million names and more.
constexpr std::uint64_t most_bytes_of_names = 4ULL << 30;
constexpr std::size_t bytes_of_a_node = 96;  // of a map, two strings in it

class Receiving {
 public:
  Receiving(const std::string& path, const std::vector<RootDir>& guests, StreamIn& in, StreamOut& answers)
      : in_(in),
        answers_(answers),
        guest_(guest_from(in.expect(Kind::guest))),
        arrival_(path),
        tree_(arrival_.tree(), names_),
        supply_(names_, tree_, guest_.key),
        guests_(guests) {}

  Received run() {
    read_names();
    tree_.begin();
    if (guest_.is_two_way) {
      find_alike_ones();
      answer(Kind::asked, alike());
    }
    read_sketches();
    if (!guest_.is_two_way) find_listed_ones();
    supply_.take_from(ours_, true);
    supply_.take_from(others_, false);
    if (guest_.is_two_way)
      answer(Kind::copied, copied());
    else
      expect_all();
    check_proofs();
    auto missing = unmet();
    if (guest_.is_two_way) answer(Kind::wanted, missing);
    for (auto left = count(missing); left > 0; --left) read_content(missing);
    in_.expect_end();
    tree_.finish();
    arrival_.put();
    tree_.finish_root();
    if (guest_.is_two_way) answer(Kind::arrived, {});
    return tell();
  }

 private:
  void read_names() {
    std::uint64_t bytes = 0;
    BatchIn batch(in_, Kind::names);
    while (names_.size() < guest_.names) {
      names_.push_back(moved_name_from(batch.next(), names_));
      bytes += bytes_in_memory(names_.back());
      if (bytes > most_bytes_of_names) throw BadStream("a guest of too many names");
    }
    batch.end();
  }

  static std::uint64_t bytes_in_memory(const MovedName& name) {
    auto bytes = sizeof name + name.leaf.size() + name.target.size();
    for (const auto& [attribute, value] : name.xattrs) bytes += bytes_of_a_node + attribute.size() + value.size();
    return bytes;
  }

  void find_alike_ones() {
    Likes wanted;
    for (const auto& name : names_)
      if (name.has_content()) wanted.add(look_of(name));
    find(wanted);
  }

  // All files here were read for the list, whatever their names.
  void find_listed_ones() {
    Likes wanted(0);
    for (std::size_t i = 0; i < names_.size(); ++i)
      if (sketched_[i]) wanted.add(look_of(names_[i]));
    find(wanted);
  }

  void find(const Likes& wanted) {
    ours_ = find_alike(arrival_.earlier(), &wanted);
    others_ = find_alike(guests_, &wanted);
  }

  static FileLook look_of(const MovedName& name) { return {name.size, name.is_sparse, name.mtime.sec, name.leaf}; }

  Numbers alike() const {
    Likes here;
    for (const auto* files : {&ours_, &others_})
      for (const auto& file : *files) here.add(file.look());
    Numbers numbers(names_.size());
    for (std::size_t i = 0; i < names_.size(); ++i)
      numbers[i] = names_[i].has_content() && here.has_like(look_of(names_[i]));
    return numbers;
  }

  void read_sketches() {
    sketched_ = numbers_from(in_.expect(Kind::sketched), names_.size());
    BatchIn batch(in_, Kind::sketches);
    for (std::uint32_t i = 0; i < sketched_.size(); ++i) {
      if (!sketched_[i]) continue;
      if (!names_[i].has_content()) throw BadStream("a file is none");
      supply_.need(i, Unpack(batch.next().raw(sizeof(Sketch))).take<Sketch>());
    }
    batch.end();
  }

  Numbers copied() const {
    Numbers numbers(names_.size());
    for (std::uint32_t i = 0; i < numbers.size(); ++i) numbers[i] = supply_.met(i) != nullptr;
    return numbers;
  }

  // In a pipe that goes one way nobody can be asked again.
  void expect_all() const {
    for (std::uint32_t i = 0; i < names_.size(); ++i)
      if (sketched_[i] && supply_.met(i) == nullptr)
        throw BadStream(path_of(names_, i) + " is on the list, but not here any more: make a new one");
  }

  // What was copied by a sketch that two contents have is not believed, nor what shares its proof.
  void check_proofs() {
    std::vector<std::uint32_t> numbers;
    std::vector<Fingerprint> fingerprints;
    for (std::uint32_t i = 0; i < names_.size(); ++i)
      if (const auto* fingerprint = supply_.met(i)) numbers.push_back(i), fingerprints.push_back(*fingerprint);
    BatchIn batch(in_, Kind::proofs);
    for (std::size_t begin = 0; const auto& proof : proofs_of(fingerprints, guest_.key)) {
      const auto end = std::min(begin + files_a_proof, numbers.size());
      const bool is_proven = batch.next().raw(Fingerprint::size) == proof.view();
      if (!is_proven && !guest_.is_two_way) throw BadStream("what is on the list is not what is here: make a new one");
      for (; begin < end; ++begin)
        if (!is_proven) supply_.take_back(numbers[begin]);
    }
    batch.end();
  }

  Numbers unmet() const {
    Numbers numbers(names_.size());
    for (std::uint32_t i = 0; i < numbers.size(); ++i)
      numbers[i] = names_[i].has_content() && supply_.met(i) == nullptr;
    return numbers;
  }

  void read_content(Numbers& missing) {
    Fields fields(in_.expect(Kind::file));
    const auto number = fields.number<std::uint32_t>();
    if (number >= missing.size() || !missing[number]) throw BadStream("a file is none that is wanted");
    missing[number] = false;
    const Fd file = tree_.make_file(number);
    read_pieces_of(number, file.get());
    resize(file.get(), names_[number].size, path_of(names_, number));
    tree_.finish_file(file.get(), number);
  }

  void read_pieces_of(std::uint32_t number, int file) {
    const auto size = names_[number].size;
    const auto path = path_of(names_, number);
    for (auto message = in_.next(); message.kind != Kind::complete; message = in_.next()) {
      if (message.kind != Kind::piece) throw BadStream("a file is not complete");
      Fields fields(message.payload);
      const auto offset = fields.number<std::uint64_t>();
      const auto bytes = fields.rest();
      if (offset > size || bytes.size() > size - offset) throw BadStream("a file is longer than it is");
      write_at(file, offset, bytes, path);
    }
  }

  void answer(Kind kind, const Numbers& numbers) {
    answers_.send(kind, {to_bytes(numbers)});
    answers_.flush();
  }

  Received tell() {
    Received received{.name = guest_.name, .context = guest_.context, .is_two_way = guest_.is_two_way};
    received.names = names_.size();
    for (const auto& name : names_) {
      received.files += name.has_content() ? 1 : 0;
      received.bytes += name.has_content() ? name.size : 0;
    }
    received.here_files = supply_.files();
    received.here_bytes = supply_.bytes();
    received.told = tree_.take_told();
    return received;
  }

  StreamIn& in_;
  StreamOut& answers_;
  GuestMessage guest_;
  Arrival arrival_;
  MovedNames names_;
  NewTree tree_;
  Supply supply_;
  const std::vector<RootDir>& guests_;
  std::vector<AlikeFile> ours_, others_;  // in earlier attempts, in guests
  Numbers sketched_;                      // those of which a sketch came
};

}  // namespace

Received receive_guest(const std::string& path, const std::vector<RootDir>& guests, StreamIn& in, StreamOut& answers) {
  return Receiving(path, guests, in, answers).run();
}

}  // namespace vunify
