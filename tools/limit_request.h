// SPDX-License-Identifier: Apache-2.0
// What vdlimit is asked: util-vserver's form names an xid and mount points, ours guests.
#pragma once

#include <string>
#include <vector>

#include "tools/choose.h"
#include "tools/limit_words.h"

namespace vunify {

struct LimitRequest {
  std::string xid, flags, count;
  WantedWords set;
  bool remove = false, all = false, recount = false, json = false, anew = false, native = false, advisory = false;
  std::vector<std::string> operands;
  Options host;

  bool is_old() const { return !xid.empty(); }
  bool changes() const { return !set.empty() || !count.empty(); }
  bool writes() const { return changes() || remove || all || recount; }
};

// Throws Failed{usage} for what cannot be meant.
LimitRequest parse_limit_request(int argc, char** argv);

}  // namespace vunify
