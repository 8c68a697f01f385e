// SPDX-License-Identifier: Apache-2.0
// What was used on each day: samples in one LMDB file of the state directory, root's alone, one a filesystem and UTC
// day. The file is never written to: whoever adds to it writes another and puts that in its place, so a reader needs no
// lock, and a kill, a full disk or a power cut leaves what was there.
//
//   samples   filesystem, day, 0 -> the filesystem's numbers; filesystem, day, n -> its n-th holder's, or from 2^31 on
//             a content's
//
// Of each filesystem the last 400 samples stay, and of what is older the first of each week: by their number, so that a
// clock that was ahead for a day takes none away.
//
// LMDB would follow a wrong page number out of its map: a child process reads all of it first, and may crash in our
// stead. Each record has a version and a checksum (db/checked.h); one that does not fit is left out, and told.
#pragma once

#include <optional>
#include <string>
#include <vector>

#include "account/day.h"
#include "account/sample.h"
#include "db/lmdb.h"

namespace vunify {

class History {
 public:
  // Before any thread is started. A file that cannot be read is as good as none: note() says so, and to read changes
  // nothing. Throws EPERM where the file is not root's alone, or no file.
  History(const std::string& state_dir, lmdb::Access access);

  // What the admin should know: it is damaged, or some of its records are. Empty where all is well.
  const std::string& note() const { return note_; }

  // In any order.
  std::vector<FsId> filesystems() const;
  // The latest that is not of a day after `now`'s: a clock that was ahead may have left one there.
  std::optional<Sample> last(const FsId& fs, const Timestamp& now = clock_now()) const;
  // Oldest first, one a day; days without a sample are left out.
  std::vector<Sample> all(const FsId& fs) const;

  // Opened to write, while the state directory's lock is held; durable when it returns. A sample takes the place of an
  // earlier one of its day; one that is there with a later time stays. A damaged file is put aside as history.damaged.
  // Returns what it had to say of the clock. Throws where the disk is full or read-only: then nothing has changed.
  std::vector<std::string> keep(const std::vector<Sample>& samples);

 private:
  void put_in_place(const std::string& successor);

  std::string path_;
  std::string note_;
  bool is_damaged_ = false;
  std::optional<lmdb::Environment> environment_;  // absent: nothing is known
};

}  // namespace vunify
