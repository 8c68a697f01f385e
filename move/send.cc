// SPDX-License-Identifier: Apache-2.0
#include "move/send.h"

#include <tbb/parallel_for.h>

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
    const auto wanted = answers_ != nullptr ? ask() : withhold(request_.have);
    for (std::uint32_t i = 0; i < wanted.size(); ++i)
      if (wanted[i] && names()[i].has_content()) send_content(i);
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
    for (const auto& name : names()) out_.send(Kind::name, {to_bytes(name)});
  }

  Numbers receive_numbers(Kind kind) {
    out_.flush();
    return numbers_from(answers_->expect(kind), names().size());
  }

  // Digests first: returns what is not there.
  Numbers ask() {
    const auto fingerprints = read_all_of(receive_numbers(Kind::asked));
    send_fingerprints(fingerprints);
    return receive_numbers(Kind::wanted);
  }

  // What the list says is there is not sent.
  Numbers withhold(const HaveList* have) {
    Numbers wanted(names().size(), true), listed(names().size());
    for (std::size_t i = 0; have != nullptr && i < listed.size(); ++i)
      listed[i] = names()[i].has_content() && have->has_size(names()[i].size);
    auto fingerprints = have != nullptr ? read_all_of(listed) : Fingerprints();
    std::erase_if(fingerprints, [&](const auto& one) { return !have->has(one.second, names()[one.first].is_sparse); });
    for (const auto& [number, fingerprint] : fingerprints) wanted[number] = false;
    send_fingerprints(fingerprints);
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

  void send_fingerprints(const Fingerprints& fingerprints) {
    out_.send(Kind::fingerprints, {bytes_of(static_cast<std::uint32_t>(fingerprints.size()))});
    for (const auto& [number, fingerprint] : fingerprints)
      out_.send(Kind::fingerprint, {bytes_of(number), fingerprint.view()});
  }

  void send_content(std::uint32_t number) {
    const auto& name = names()[number];
    const Fd fd = open(number);
    read_pieces(fd.get(), name.size, [&](std::uint64_t offset, std::string_view piece) {
      each_run(offset, piece, name.is_sparse, [&](std::uint64_t at, std::string_view run) {
        out_.send(Kind::piece, {bytes_of(number), bytes_of(at), run});
      });
    });
    expect_unchanged(number, fd.get());
    out_.send(Kind::complete, {bytes_of(number)});
    ++sent_.sent_files;
    sent_.sent_bytes += name.size;
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
  Inventory inventory_;
  TransferKey key_;
  Sent sent_;
};

}  // namespace

Sent send_guest(const SendRequest& request, StreamOut& out, StreamIn* answers) {
  return Sending(request, out, answers).run();
}

}  // namespace vunify
