// SPDX-License-Identifier: Apache-2.0
// What vsend and vreceive say to each other, in this order. What lists things does it in the order of their numbers.
//
//     vsend                                             vreceive
//     guest          key, name, how many names
//     name ...       each with all metadata
//                                                       asked        files of which something here is alike
//     fingerprints   how many
//     fingerprint .. of these files
//                                                       wanted       files whose content is not here
//     piece ..., complete    for each of them
//     end
//                                                       arrived      it has its name, and is on disk
//
// In a pipe that goes one way vreceive says nothing. Then vsend fingerprints what it was told, by a list, that the
// other host has (move/have_list.h), and sends all else.
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

// Of names by their numbers; what is none stays false.
using Numbers = std::vector<bool>;
std::string to_bytes(const Numbers& numbers);
// size: how many there are. Throws BadStream for another.
Numbers numbers_from(std::string_view bytes, std::size_t size);

}  // namespace vunify
