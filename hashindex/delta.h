// SPDX-License-Identifier: Apache-2.0
// What a run has learnt and the index does not hold yet. Findings come in the order of the savings, the index is in the
// order of inode numbers: put there one by one, each would rewrite a page of its own. So they are kept in a file beside
// the index, in sorted batches, and merged when the run ends. Each batch on disk is a checkpoint: what an interrupted
// run has learnt is merged by the next.
#pragma once

#include <chrono>
#include <cstdint>
#include <functional>
#include <memory>
#include <mutex>
#include <string>
#include <vector>

#include "db/lmdb.h"
#include "hashindex/record.h"

namespace vunify {

struct Finding {
  InodeKey key;
  Record record{};
  bool is_gone = false;         // the inode was given up: its record is to go
  std::uint64_t stat_hash = 0;  // of a shared one, and its handle: what the table of keepers holds
  std::string handle{};
};

// Of an index at this path: goes through what an interrupted run left, if anything. May crash, as lmdb::reads_well().
bool findings_read_well(const std::string& index_path);

class Delta {
 public:
  // PATH.delta is made with the first batch; one that an interrupted run left is gone on with.
  explicit Delta(const std::string& index_path);

  // Called from many threads. Every few seconds the caller finds a batch full, and writes it.
  void add(Finding finding);
  void flush();

  bool is_empty();  // and no file of it is there
  // In the order of keys, each once: what was learnt last.
  void for_each(const std::function<void(const Finding&)>& use);
  void remove();  // the file with all in it

 private:
  void write_batch();
  lmdb::Environment& environment();

  std::string path_;
  std::mutex adding_;  // guards all below
  std::vector<Finding> batch_;
  std::chrono::steady_clock::time_point last_written_ = std::chrono::steady_clock::now();
  std::unique_ptr<lmdb::Environment> environment_;
  std::uint32_t next_batch_ = 0;
};

}  // namespace vunify
