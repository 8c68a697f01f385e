// SPDX-License-Identifier: Apache-2.0
// What a journal's file holds: a chain of records, each synced before the next is begun. All of one chain carry its
// number, drawn anew whenever the file is written from its beginning again, and count up from 0: so the chain ends
// where an older one, not yet written over, goes on, and
//
//   torn      nothing of the chain follows what cannot be read: it was never synced, and its batch had not begun
//   damaged   something does: what cannot be read was synced, and may have been carried out
#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "change/journal.h"
#include "change/journal_key.h"

namespace vunify {

enum class RecordKind : char {
  batch = '+',
  amendment = '=',  // counts in place of the record before it
};

struct ChainPlace {
  std::uint64_t chain = 0;   // never 0
  std::uint64_t number = 0;  // of the record in it
};

std::string record_of(RecordKind kind, ChainPlace place, const std::vector<JournaledSet>& sets, const JournalKey& key);

struct Chain {
  std::vector<JournaledSet> sets{};
  bool damaged = false;  // sets lacks what could not be read, and the copies that it may have said more of
};

// Throws std::runtime_error for what another version wrote and did not end.
Chain read_chain(std::string_view file, const JournalKey& key);

}  // namespace vunify
