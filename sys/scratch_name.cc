// SPDX-License-Identifier: Apache-2.0
#include "sys/scratch_name.h"

#include <fcntl.h>
#include <sys/stat.h>

#include "kernel-cow/cowlink.h"

namespace vunify {
namespace {

constexpr std::string_view scratch = COWLINK_SCRATCH;

bool is_iunlink_alone(const struct statx& told) {
  return (told.stx_attributes & told.stx_attributes_mask & FS_IUNLINK_FL) != 0 &&
         (told.stx_attributes & STATX_ATTR_IMMUTABLE) == 0;
}

}  // namespace

bool is_scratch_leaf(std::string_view leaf) {
  if (!leaf.starts_with(scratch)) return false;
  leaf.remove_prefix(scratch.size());
  if (leaf.empty()) return true;
  constexpr std::string_view hexadecimal = "0123456789abcdef";
  return leaf[0] == '.' && leaf.size() >= 2 && leaf.size() <= 9 &&
         leaf.find_first_not_of(hexadecimal, 1) == std::string_view::npos;
}

bool is_left_by_kernel(int dir, std::string_view leaf) {
  struct statx told {};
  if (!is_scratch_leaf(leaf) || ::statx(dir, leaf.data(), AT_SYMLINK_NOFOLLOW, STATX_BASIC_STATS, &told) != 0)
    return false;
  return S_ISREG(told.stx_mode) && told.stx_nlink == 1 && is_iunlink_alone(told);
}

}  // namespace vunify
