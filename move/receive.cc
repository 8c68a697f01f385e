// SPDX-License-Identifier: Apache-2.0
#include "move/receive.h"

#include "move/arrival.h"
#include "move/conversation.h"
#include "move/find_alike.h"
#include "move/new_tree.h"
#include "move/supply.h"

namespace vunify {
namespace {

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
    read_fingerprints();
    if (!guest_.is_two_way) find_listed_ones();
    supply_.take_from(ours_, true);
    supply_.take_from(others_, false);
    const auto missing = unmet();
    if (guest_.is_two_way) answer(Kind::wanted, missing);
    for (std::uint32_t i = 0; i < missing.size(); ++i)
      if (missing[i] && (guest_.is_two_way || !listed_[i])) read_content(i);
    in_.expect_end();
    expect_all(missing);
    tree_.finish();
    arrival_.put();
    tree_.finish_root();
    if (guest_.is_two_way) answer(Kind::arrived, {});
    return tell();
  }

 private:
  void read_names() {
    for (std::uint32_t i = 0; i < guest_.names; ++i) names_.push_back(moved_name_from(in_.expect(Kind::name), names_));
    listed_.resize(names_.size());
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
      if (listed_[i]) wanted.add(look_of(names_[i]));
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

  void read_fingerprints() {
    auto count = Fields(in_.expect(Kind::fingerprints)).number<std::uint32_t>();
    for (; count > 0; --count) {
      Fields fields(in_.expect(Kind::fingerprint));
      const auto number = take_number(fields);
      const auto fingerprint = fingerprint_from(fields);
      fields.expect_end();
      if (listed_[number]) throw BadStream("a file has two fingerprints");
      listed_[number] = true;
      supply_.need(number, fingerprint);
    }
  }

  // Of a file that has a content.
  std::uint32_t take_number(Fields& fields) const {
    const auto number = fields.number<std::uint32_t>();
    if (number >= names_.size() || !names_[number].has_content()) throw BadStream("a file is none");
    return number;
  }

  Numbers unmet() const {
    Numbers numbers(names_.size());
    for (std::uint32_t i = 0; i < numbers.size(); ++i) numbers[i] = names_[i].has_content() && !supply_.is_met(i);
    return numbers;
  }

  void read_content(std::uint32_t number) {
    const auto& name = names_[number];
    const Fd file = tree_.make_file(number);
    for (auto message = in_.next();; message = in_.next()) {
      Fields fields(message.payload);
      if (take_number(fields) != number) throw BadStream("a file comes out of its turn");
      if (message.kind == Kind::complete) break;
      if (message.kind != Kind::piece) throw BadStream("a file is not complete");
      const auto offset = fields.number<std::uint64_t>();
      const auto bytes = fields.rest();
      if (offset > name.size || bytes.size() > name.size - offset) throw BadStream("a file is longer than it is");
      write_at(file.get(), offset, bytes, path_of(names_, number));
    }
    resize(file.get(), name.size, path_of(names_, number));
    tree_.finish_file(file.get(), number);
  }

  // In a pipe that goes one way nobody can be asked again.
  void expect_all(const Numbers& missing) const {
    if (guest_.is_two_way) return;
    for (std::uint32_t i = 0; i < missing.size(); ++i)
      if (missing[i] && listed_[i])
        throw BadStream(path_of(names_, i) + " is on the list, but not here any more: make a new one");
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
  Numbers listed_;                        // those that have a fingerprint
};

}  // namespace

Received receive_guest(const std::string& path, const std::vector<RootDir>& guests, StreamIn& in, StreamOut& answers) {
  return Receiving(path, guests, in, answers).run();
}

}  // namespace vunify
