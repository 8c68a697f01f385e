// SPDX-License-Identifier: Apache-2.0
// Where a clone comes to be: a name that is not there yet, on the guest's mount and inside no guest. The clone of an
// adopted guest is adopted (guest/adopted.h).
#pragma once

#include <memory>
#include <optional>
#include <string>

#include "guest/guest.h"
#include "guest/staging.h"

namespace vunify {

// path: absolute, without symlinks on the way. Refused where something is there, or it is inside a guest, be it one
// that is known by a process of it.
std::optional<Refusal> expect_new(const std::string& path, const Guest& guest);

class NewPlace {
 public:
  // Nothing is made yet. Throws std::system_error naming the directory that will not do: EXDEV where path is not on the
  // guest's mount, EPERM where somebody but root could move what is put there.
  NewPlace(const std::string& path, const Guest& guest);

  // An existing directory of the filesystem that the clone comes to lie on.
  int above() const { return above_.get(); }
  // On the way from the guest to the clone. Made, and locked. Throws StagingInUse where another run has it.
  std::unique_ptr<Staging> make_staging() const;
  // Moves the directory there. False, and nothing changed, where the name was taken meanwhile. On disk on return.
  bool put(int from, const std::string& leaf) const;

 private:
  std::string path_;
  std::string leaf_;
  std::string staging_parent_;
  bool is_adopted_;
  Fd above_;
};

}  // namespace vunify
