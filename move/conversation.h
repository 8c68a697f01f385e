// SPDX-License-Identifier: Apache-2.0
// What vsend and vreceive say to each other, in this order. What lists things does it in the order of their numbers.
//
//     vsend                                             vreceive
//     guest          key, name, how many names
//     names ...      each with all metadata
//                                                       asked        files of which something here is alike
//     sketched       the same files
//     sketches ...   of the fingerprint of each
//                                                       copied       files whose sketch something here had
//     proofs ...     of the whole fingerprints of these
//                                                       wanted       files whose content is not here
//     file, piece ..., complete    for each of them
//     end
//                                                       arrived      it has its name, and is on disk
//
// Each turn ends what is compressed together. What lists files does it in the order of their numbers, but for their
// contents: files of a kind beside each other are compressed better.
//
// In a pipe that goes one way vreceive says nothing. Then vsend sketches, and proves, what it was told by a list that
// the other host has (move/have_list.h), and sends all else.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "move/fingerprint.h"
#include "move/moved_name.h"

namespace vunify {

struct GuestMessage {
  bool is_two_way = false;
  TransferKey key{};
  std::string name{};                      // as its host has it
  std::optional<std::uint32_t> context{};  // that its configuration gives it
  std::uint32_t names = 0;
};
std::string to_bytes(const GuestMessage& guest);
GuestMessage guest_from(std::string_view bytes);

// What is sent of a fingerprint before anybody knows what it is worth: a file of the other host is tried out for it.
using Sketch = std::uint64_t;
Sketch sketch_of(const Fingerprint& fingerprint);

// Of the fingerprints of these many files each, in the order of their numbers: one fingerprint that proves them all.
inline constexpr std::size_t files_a_proof = 256;
using Proofs = std::vector<Fingerprint>;
Proofs proofs_of(const std::vector<Fingerprint>& fingerprints, const TransferKey& key);

// Of names by their numbers; what is none stays false.
using Numbers = std::vector<bool>;
std::string to_bytes(const Numbers& numbers);
// size: how many there are. Throws BadStream for another.
Numbers numbers_from(std::string_view bytes, std::size_t size);
std::size_t count(const Numbers& numbers);

}  // namespace vunify
