// SPDX-License-Identifier: Apache-2.0
// Every change vunify makes to a guest's tree is one move. A name is prepared in staging, where no guest can see it:
//
//     prepare_link     another name of an inode that is there     (to unify)
//     prepare_copy     a private copy of an inode that is there   (to break the link)
//
// and then exchange() swaps what it leads to with what the guest's name leads to (renameat2(2), RENAME_EXCHANGE). At
// every instant, through kill -9, full disk and power cut, the guest's name leads to one complete file, the old or the
// new; and what came out of the guest is not gone but held in staging, to be looked at, put back, or removed.
#pragma once

#include <cstdint>
#include <optional>
#include <string>

#include "sys/at.h"
#include "sys/inode.h"
#include "sys/root_dir.h"

namespace vunify {

// A name in a staging directory (guest/staging), which outlives it. It is not removed by itself: whatever stops us, the
// next start finds it and the journal says what it is (change/recover).
struct StagedName {
  int dir = -1;
  std::string leaf;
};

// Gives the inode open at fd one more name. Throws EMLINK where it has as many as the filesystem allows, EPERM where it
// is immutable (with iunlink beside it kernel-cow lets it), EXDEV across mounts, subvolumes and project ids; nothing is
// left behind.
void prepare_link(int fd, const StagedName& staged);

// Makes a private copy of the inode open at fd, contents and inode metadata alike but neither mark nor protection, and
// names it. The copy is durable once its filesystem is synced. On failure nothing is left behind.
// project: that it is to have, in place of the inode's own.
void prepare_copy(int fd, const StagedName& staged, std::optional<std::uint32_t> project = {});

// What prepare_copy() is made of, for a copy that is to have no name yet.
Fd make_unnamed(int dir);  // an empty file in that directory, open for reading and writing; gone when closed
void copy_metadata(int from, int to);  // owner, mode, extended attributes but the mark, project, flags, then times

// Swaps what the two names lead to, in one step. Nothing changes where it throws: ENOENT where the guest's name is
// gone, EPERM where either inode is immutable. Whoever calls checks what came out: a guest may have changed its name.
// The guest's directory keeps its mtime, unless the guest changed it at the same moment. seen: that directory, looked
// at before, where whoever calls has it.
void exchange(const StagedName& staged, const Name& name);
void exchange(const StagedName& staged, const Name& name, const Inode& seen);
void exchange(const StagedName& staged, At name, const Inode& seen);

void remove_staged(const StagedName& staged);
// Holds the inode (O_PATH): as long as it is held, no other file is given its number.
Fd hold_staged(const StagedName& staged);
// Opens the regular file that lies in staging, for reading.
Fd open_staged(const StagedName& staged);
Inode stat_staged(const StagedName& staged);

}  // namespace vunify
