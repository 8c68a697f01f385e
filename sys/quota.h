// SPDX-License-Identifier: Apache-2.0
// The kernel's own count of a project, and its limit (quotactl_fd(2), Linux 5.14): ext4 and XFS keep them where they
// were made and mounted for it. A project without either has neither.
#pragma once

#include <cstdint>
#include <optional>

namespace vunify {

struct ProjectLimit {
  std::uint64_t kib = 0, inodes = 0;  // 0: none
  bool operator==(const ProjectLimit&) const = default;
};

struct ProjectQuota {
  ProjectLimit limit;  // the hard one: nothing passes it
  std::uint64_t bytes_used = 0, inodes_used = 0;
};

// fd: any directory of the filesystem. Throws std::system_error: ENOSYS where the kernel or the filesystem has no
// quotas, ESRCH where they are not on.
ProjectQuota project_quota(int fd, std::uint32_t project);
// Soft limits are none from then on. Throws ERANGE for more than the filesystem can say.
void set_project_limit(int fd, std::uint32_t project, const ProjectLimit& limit);

}  // namespace vunify
