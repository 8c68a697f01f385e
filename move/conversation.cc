// SPDX-License-Identifier: Apache-2.0
#include "move/conversation.h"

#include <algorithm>

#include "db/bytes.h"
#include "move/fields.h"

namespace vunify {
namespace {

constexpr std::size_t longest_name = 255;

}  // namespace

std::string to_bytes(const GuestMessage& guest) {
  std::string bytes;
  put_number(bytes, guest.is_two_way ? 1 : 0);
  bytes += guest.key.bytes;
  put_text(bytes, guest.name);
  put_number(bytes, guest.context.value_or(0));
  put_number(bytes, guest.names);
  return bytes;
}

GuestMessage guest_from(std::string_view bytes) {
  Fields fields(bytes);
  GuestMessage guest;
  guest.is_two_way = fields.number<std::uint8_t>() != 0;
  guest.key.bytes = fields.raw(TransferKey::size);
  guest.name = fields.text();
  if (const auto context = fields.number<std::uint32_t>(); context != 0) guest.context = context;
  guest.names = fields.number<std::uint32_t>();
  fields.expect_end();
  if (guest.names == 0) throw BadStream("a guest of no size");
  if (guest.name.size() > longest_name) throw BadStream("a name is too long");
  return guest;
}

Sketch sketch_of(const Fingerprint& fingerprint) { return Unpack(fingerprint.view()).take<Sketch>(); }

Proofs proofs_of(const std::vector<Fingerprint>& fingerprints, const TransferKey& key) {
  Proofs proofs;
  for (std::size_t i = 0; i < fingerprints.size();) {
    RunningFingerprint running(key);
    const auto end = std::min(i + files_a_proof, fingerprints.size());
    for (; i < end; ++i) running.add(fingerprints[i].view());
    proofs.push_back(running.value());
  }
  return proofs;
}

std::size_t count(const Numbers& numbers) {
  return static_cast<std::size_t>(std::count(numbers.begin(), numbers.end(), true));
}

std::string to_bytes(const Numbers& numbers) {
  std::string bytes((numbers.size() + 7) / 8, '\0');
  for (std::size_t i = 0; i < numbers.size(); ++i)
    if (numbers[i]) bytes[i / 8] = static_cast<char>(bytes[i / 8] | 1 << i % 8);
  return bytes;
}

Numbers numbers_from(std::string_view bytes, std::size_t size) {
  if (bytes.size() != (size + 7) / 8) throw BadStream("an answer is of another guest");
  Numbers numbers(size);
  for (std::size_t i = 0; i < size; ++i) numbers[i] = (bytes[i / 8] >> i % 8 & 1) != 0;
  return numbers;
}

}  // namespace vunify
