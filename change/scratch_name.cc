// SPDX-License-Identifier: Apache-2.0
#include "change/scratch_name.h"

#include <cstdio>

#include "sys/at.h"
#include "sys/scratch_name.h"

namespace vunify {

bool is_scratch_name(const GuestName& guest_name) {
  const auto name = open_name(*guest_name.root, guest_name.path);
  return is_left_by_kernel(name.dir.get(), name.leaf);
}

bool remove_scratch_name(const GuestName& guest_name, int staging) {
  const auto name = open_name(*guest_name.root, guest_name.path);
  const At there{name.dir.get(), name.leaf.c_str()}, staged{staging, name.leaf.c_str()};
  if (!is_left_by_kernel(there.dir, name.leaf)) return false;
  rename_at(there, staged, RENAME_NOREPLACE);
  const bool is_kernels = is_left_by_kernel(staging, name.leaf);
  is_kernels ? remove_at(staged) : rename_at(staged, there, RENAME_NOREPLACE);
  return is_kernels;
}

}  // namespace vunify
