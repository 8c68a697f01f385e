// SPDX-License-Identifier: Apache-2.0
#include "account/take_sample.h"

#include <algorithm>

#include "sys/deleted_open.h"

namespace vunify {
namespace {

std::uint64_t deleted_open_on(const std::vector<std::uint64_t>& devs) {
  std::uint64_t bytes = 0;
  for (const auto& file : deleted_open_files())
    if (std::ranges::find(devs, file.dev) != devs.end()) bytes += file.bytes_on_disk();
  return bytes;
}

}  // namespace

Sample take_sample(const HeldFilesystem& held, const Measured& measured) {
  Sample sample{.fs = held.fs, .path = held.mount.point, .taken = clock_now(), .holders = {}};
  const auto df = statvfs_of(held.holders.front().tree.fd());
  sample.total = df.f_blocks * df.f_frsize;
  sample.used = (df.f_blocks - df.f_bfree) * df.f_frsize;
  sample.available = df.f_bavail * df.f_frsize;
  sample.deleted_open = deleted_open_on(measured.devs);
  for (std::size_t i = 0; i < held.holders.size(); ++i)
    sample.holders.push_back({held.holders[i].name, {}, held.holders[i].xid, measured.holders[i]});
  return sample;
}

std::int64_t unattributed(const Sample& sample) {
  return static_cast<std::int64_t>(sample.used) - static_cast<std::int64_t>(sum_of(sample.holders).fair);
}

Usage sum_of(const std::vector<HolderSample>& holders) {
  Usage sum;
  for (const auto& holder : holders) sum += holder.usage;
  return sum;
}

}  // namespace vunify
