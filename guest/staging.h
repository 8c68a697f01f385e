// SPDX-License-Identifier: Apache-2.0
// Where names are prepared: the directory `.vunify` in the nearest common ancestor of the guests' roots that lies on
// their filesystem and mount and inside no guest. No guest can see it: it is owned by root, 0700, without ACL or
// setgid, and every directory above it is root's and writable by nobody else (a sticky one, like /var/tmp, will do:
// there nobody else can move what is root's).
#pragma once

#include <string>
#include <system_error>
#include <vector>

#include "guest/guest.h"
#include "sys/fd.h"

namespace vunify {

inline constexpr auto staging_leaf = ".vunify";

// Another run holds the staging directory. A type of its own: EWOULDBLOCK is also what a guest's lease answers.
struct StagingInUse : std::system_error {
  using std::system_error::system_error;
};

class Staging {
 public:
  // guests: all on one filesystem and mount, at least one. Where there is no room for a directory, lost+found is
  // borrowed (guest/lost_and_found.h). Throws std::system_error naming the directory that will not
  // do: EXDEV where no ancestor outside the guests is on their mount, EPERM where somebody else could write to it.
  // Held locked (flock) as long as this lives; throws StagingInUse where another run holds it.
  explicit Staging(const std::vector<const Guest*>& guests);
  // The staging directory a journal names. The same checks; throws ENOENT where it is not there.
  explicit Staging(const std::string& path);
  // Where an error ended the run, what is empty of it goes all the same.
  ~Staging();
  Staging(const Staging&) = delete;

  int fd() const { return fd_.get(); }
  const std::string& path() const { return path_; }
  // Of all that lies in it, one level of directories deep: "leaf" or "worker/leaf". Workers have directories of their
  // own, so that none waits for the others' locks on it.
  std::vector<std::string> names() const;

  // Removes what is empty of it: workers' directories, and then itself. Call last.
  void remove_if_empty();

 private:
  std::string path_;
  Fd parent_;  // by its path it may not be found any more: unmounted, renamed
  Fd fd_;
};

// Where Staging would be put, without making it.
std::string staging_path(const std::vector<const Guest*>& guests);
// The directory it would be put in, after the same checks.
Fd open_staging_parent(const std::vector<const Guest*>& guests);

}  // namespace vunify
