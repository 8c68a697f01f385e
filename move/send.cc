// SPDX-License-Identifier: Apache-2.0
#include "move/send.h"

#include <tbb/parallel_for.h>

#include <algorithm>

#include "db/bytes.h"
#include "move/batches.h"
#include "move/conversation.h"
#include "move/inventory.h"
#include "move/pieces.h"

namespace vunify {
namespace {

class Sending {
 public:
  Sending(const SendRequest& request, StreamOut& out, StreamIn* answers)
      : request_(request),
        guest_(*request.guest),
        out_(out),
        answers_(answers),
        inventory_(take_inventory(guest_)),
        key_(request.have != nullptr ? request.have->key() : TransferKey::fresh()) {}

  Sent run() {
    introduce();
    send_contents(answers_ != nullptr ? ask() : withhold(request_.have));
    if (const auto reason = request_.why_not(); !reason.empty()) throw Changed(guest_.path() + ": " + reason);
    out_.end();
    if (answers_ != nullptr) answers_->expect(Kind::arrived);
    return tell();
  }

 private:
  const MovedNames& names() const { return inventory_.names; }

  void introduce() {
    const auto count = static_cast<std::uint32_t>(names().size());
    out_.send(Kind::guest, {to_bytes(GuestMessage{answers_ != nullptr, key_, guest_.name, request_.context, count})});
    BatchOut batch(out_, Kind::names);
    for (std::uint32_t i = 0; i < count; ++i) batch.add(name_to_send(i));
    batch.end();
  }

  // XFS keeps any number of attributes of 64 KiB: more than vreceive would take is told here, by its name.
  std::string name_to_send(std::uint32_t number) const {
    auto bytes = to_bytes(names()[number], number == 0 ? MovedName() : names()[number - 1]);
    if (bytes.size() <= longest_message - batch_bytes) return bytes;
    throw std::system_error(E2BIG, std::generic_category(), guest_.path() + "/" + path_of(names(), number));
  }

  Numbers receive_numbers(Kind kind) {
    out_.flush();
    return numbers_from(answers_->expect(kind), names().size());
  }

  // Returns what is not there.
  Numbers ask() {
    auto fingerprints = read_all_of(receive_numbers(Kind::asked));
    send_sketches(fingerprints);
    const auto copied = receive_numbers(Kind::copied);
    std::erase_if(fingerprints, [&](const auto& one) { return !copied[one.first]; });
    send_proofs(fingerprints);
    return receive_numbers(Kind::wanted);
  }

  // What the list says is there is not sent.
  Numbers withhold(const HaveList* have) {
    Numbers wanted(names().size(), true), listed(names().size());
    for (std::size_t i = 0; have != nullptr && i < listed.size(); ++i)
      listed[i] = names()[i].has_content() && have->has_size(names()[i].size);
    auto fingerprints = read_all_of(listed);
    std::erase_if(fingerprints, [&](const auto& one) { return !have->has(one.second, names()[one.first].is_sparse); });
    for (const auto& [number, fingerprint] : fingerprints) wanted[number] = false;
    send_sketches(fingerprints);
    send_proofs(fingerprints);
    out_.flush();
    return wanted;
  }

  using Fingerprints = std::vector<std::pair<std::uint32_t, Fingerprint>>;

  Fingerprints read_all_of(const Numbers& numbers) const {
    Fingerprints fingerprints;
    for (std::uint32_t i = 0; i < numbers.size(); ++i)
      if (numbers[i] && names()[i].has_content()) fingerprints.push_back({i, {}});
    tbb::parallel_for(std::size_t{0}, fingerprints.size(), [&](std::size_t i) {
      auto& [number, fingerprint] = fingerprints[i];
      const Fd fd = open(number);
      fingerprint = fingerprint_of(fd.get(), key_);
      expect_unchanged(number, fd.get());
    });
    return fingerprints;
  }

  void send_sketches(const Fingerprints& fingerprints) {
    Numbers sketched(names().size());
    BatchOut batch(out_, Kind::sketches);
    for (const auto& one : fingerprints) sketched[one.first] = true;
    out_.send(Kind::sketched, {to_bytes(sketched)});
    for (const auto& one : fingerprints) batch.add(bytes_of(sketch_of(one.second)));
    batch.end();
  }

  void send_proofs(const Fingerprints& fingerprints) {
    std::vector<Fingerprint> all;
    for (const auto& one : fingerprints) all.push_back(one.second);
    BatchOut batch(out_, Kind::proofs);
    for (const auto& proof : proofs_of(all, key_)) batch.add(proof.view());
    batch.end();
  }

  // Files of a kind, and of one name, are alike.
  std::vector<std::uint32_t> in_order_of_kind(const Numbers& wanted) const {
    std::vector<std::uint32_t> numbers;
    for (std::uint32_t i = 0; i < wanted.size(); ++i)
      if (wanted[i] && names()[i].has_content()) numbers.push_back(i);
    const auto kind_of = [this](std::uint32_t number) {
      const std::string_view leaf = names()[number].leaf;
      const auto dot = leaf.rfind('.');
      return std::pair(dot == 0 || dot == leaf.npos ? "" : leaf.substr(dot), leaf);
    };
    std::ranges::stable_sort(numbers, {}, kind_of);
    return numbers;
  }

  void send_contents(const Numbers& wanted) {
    const auto numbers = in_order_of_kind(wanted);
    for (const auto number : numbers) sent_.sent_bytes += names()[number].size;
    sent_.sent_files = numbers.size();
    out_.expect_bytes(sent_.sent_bytes);
    for (const auto number : numbers) send_content(number);
  }

  void send_content(std::uint32_t number) {
    const auto& name = names()[number];
    const Fd fd = open(number);
    out_.send(Kind::file, {number_bytes(number)});
    read_pieces(fd.get(), name.size, [&](std::uint64_t offset, std::string_view piece) {
      each_run(offset, piece, name.is_sparse, [&](std::uint64_t at, std::string_view run) {
        out_.send(Kind::piece, {number_bytes(at), run});
      });
    });
    expect_unchanged(number, fd.get());
    out_.send(Kind::complete, {});
  }

  Fd open(std::uint32_t number) const { return guest_.root.open_regular(path_of(names(), number)); }

  void expect_unchanged(std::uint32_t number, int fd) const {
    if (!is_unchanged(inventory_.seen[number], fd))
      throw Changed(guest_.path() + "/" + path_of(names(), number) + ": changed while it was sent");
  }

  Sent tell() {
    sent_.names = names().size();
    for (const auto& name : names()) {
      sent_.files += name.has_content() ? 1 : 0;
      sent_.bytes += name.has_content() ? name.size : 0;
    }
    sent_.through_the_pipe = out_.bytes() + (answers_ != nullptr ? answers_->bytes() : 0);
    sent_.left = std::move(inventory_.left);
    return std::move(sent_);
  }

  const SendRequest& request_;
  const Guest& guest_;
  StreamOut& out_;
  StreamIn* answers_;
  GuestInventory inventory_;
  TransferKey key_;
  Sent sent_;
};

}  // namespace

Sent send_guest(const SendRequest& request, StreamOut& out, StreamIn* answers) {
  return Sending(request, out, answers).run();
}

}  // namespace vunify
