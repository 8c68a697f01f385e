// SPDX-License-Identifier: Apache-2.0
// Many links broken, some hundred names to a record of the journal: the copies are complete and on disk before any
// guest's name leads to one.
#pragma once

#include <functional>
#include <span>
#include <string>
#include <vector>

#include "change/break_link.h"
#include "change/journal.h"
#include "change/leaf_names.h"

namespace vunify {

class LinkBreaker {
 public:
  LinkBreaker(Journal& journal, int staging, std::string staging_path)
      : journal_(journal), staging_(staging), staging_path_(std::move(staging_path)) {}

  // One result a request, in their order; a request that was not reached has copied nothing, without a reason. Throws
  // only where the journal or staging cannot be written, or the filesystem not be synced.
  std::vector<BreakResult> run(const std::vector<BreakRequest>& requests, const std::function<bool()>& stop);

 private:
  void run_batch(std::span<const BreakRequest> requests, const std::function<bool()>& stop,
                 std::vector<BreakResult>& results);
  std::vector<JournaledSet> journaled(const std::vector<LinkBreak>& breaks) const;

  Journal& journal_;
  int staging_;
  std::string staging_path_;
  LeafNames leaves_{"copy"};
};

}  // namespace vunify
