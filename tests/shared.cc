// SPDX-License-Identifier: Apache-2.0
#include "tests/shared.h"

#include <fcntl.h>
#include <gtest/gtest.h>
#include <sys/xattr.h>

#include "change/protection.h"
#include "kernel-cow/cowlink.h"
#include "sys/fd.h"
#include "sys/guard.h"
#include "sys/inode.h"
#include "sys/mark.h"
#include "tests/by_flag.h"

namespace vunify::test {

bool has_mark(const std::string& path) { return ::lgetxattr(path.c_str(), VUNIFY_MARK_XATTR, nullptr, 0) >= 0; }

bool is_shared(const std::string& path) {
  const Fd file = open_host(path, O_RDONLY | O_NOATIME);
  const auto inode = stat_fd(file.get());
  const bool marked = is_marked(file.get(), {fs_id(file.get()), inode.ino});
  const bool is_kept = inode.immutable || is_guarded(file.get());
  EXPECT_EQ(marked, is_kept) << path;
  return marked && is_kept;
}

FileId share(const std::string& path) {
  const Fd file = open_host(path, O_RDONLY);
  const FileId id{fs_id(file.get()), stat_fd(file.get()).ino};
  set_mark(file.get(), id);
  protect(file.get(), by_flag());
  return id;
}

}  // namespace vunify::test
