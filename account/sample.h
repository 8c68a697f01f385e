// SPDX-License-Identifier: Apache-2.0
// What was used at one time: of one filesystem, by everybody on it. `vdu` answers from the last one, `vplan` learns
// from all of them.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "account/usage.h"
#include "sys/inode.h"

namespace vunify {

struct HolderSample {
  std::string name;  // as its provider has it; "(host)"
  std::string key;   // of its root (host/root_key.h), by which it is known over the years; "(host)": empty
  std::optional<std::uint32_t> xid;
  Usage usage;
};

// What several have in common, by one of its names.
struct ContentSample {
  std::string guest, path;
  std::uint64_t bytes = 0;    // once
  std::uint32_t holders = 0;  // so many have it

  std::uint64_t saved() const { return bytes * (holders - 1); }
};

struct Sample {
  FsId fs;           // of btrfs all subvolumes are one: subvolume is 0
  std::string path;  // where it was mounted
  Timestamp taken;
  std::uint64_t total = 0;  // bytes of the filesystem, as df(1) tells them
  std::uint64_t used = 0;
  std::uint64_t available = 0;     // to those who are not root
  std::uint64_t deleted_open = 0;  // no name leads to it, somebody has it open
  std::vector<HolderSample> holders;
  std::vector<ContentSample> contents{};  // of all, those that save most; most first
};

}  // namespace vunify
