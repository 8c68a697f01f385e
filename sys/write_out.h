// SPDX-License-Identifier: Apache-2.0
// Bytes before names: what one name shows is on disk before another name of the same content goes. The cheap way is to
// write the file out and let the filesystem's own log do the rest; the dear one is to sync the whole filesystem.
#pragma once

#include <string_view>

#include "sys/mount.h"

namespace vunify {

// True where the log is written in order, and the cache of the device with the data flushed before each commit of it:
// XFS without a realtime device, and ext4 with a journal of its own (jbd2) and barriers. A journal on another device is
// committed without a flush of the data's where nothing but old data was written (jbd2: t_need_data_flush); XFS flushes
// the realtime device for fsync(2) only. There a file that was written out is on disk, with its size and its places,
// once any later change of the filesystem is. Not btrfs, which enters a file's new places into its trees some time
// after they were written. Nor where the mount's options are not told.
bool commits_in_order(const Mount& mount);

// Writes out what is dirty of a file and waits for it (sync_file_range(2), all three flags). Throws what writing met
// since the file was opened (EIO, ENOSPC). Costs next to nothing where nothing is dirty.
void write_out(int fd, std::string_view path);

// Only begins to, so that the disk is busy while we do other things (sync_file_range(2), SYNC_FILE_RANGE_WRITE).
void begin_write_out(int fd);

}  // namespace vunify
