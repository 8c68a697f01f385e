// SPDX-License-Identifier: Apache-2.0
// What one worker has decided, carried out: links gathered into batches, one a place, all in one journal.
#pragma once

#include <cstdint>
#include <map>
#include <optional>
#include <string>

#include "change/batch.h"
#include "change/journal.h"
#include "unify/place.h"

namespace vunify {

class Linker {
 public:
  // worker: names its journal in state_dir and its directories in staging. most_open: files held by batches.
  Linker(const Places& places, const std::string& state_dir, const std::string& worker, std::size_t most_open)
      : places_(places), worker_(worker), most_open_(most_open), journal_(state_dir, worker) {}

  // Links now what has been gathered, where it has become much.
  void add(std::uint32_t place, LinkRequest request, Batch::Done done);
  void apply_all();
  bool has_pending() const { return open_files() > 0; }
  // The last call: all is linked, and the journal ended.
  void end();

  // Staging or the journal cannot be written any more, or the filesystem not be synced: what was begun lies there until
  // the next start, and nothing may be written over it. All that is added now is dropped.
  const std::optional<std::system_error>& broken_off() const { return broken_off_; }
  std::uint64_t nanoseconds() const { return nanoseconds_; }

 private:
  Batch& batch_at(std::uint32_t place);
  std::size_t open_files() const;
  template <typename Step>
  void commit(const Step& step);

  const Places& places_;
  std::string worker_;
  std::size_t most_open_;
  Journal journal_;
  std::map<std::uint32_t, Batch> batches_;  // by place
  std::optional<std::system_error> broken_off_;
  std::uint64_t nanoseconds_ = 0;
};

}  // namespace vunify
