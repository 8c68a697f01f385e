// SPDX-License-Identifier: Apache-2.0
// Whether the index's file is what we left. LMDB survives a kill, but not a flipped bit or a short file: it would
// follow a wrong page number out of its map. So a closed index is sealed, with its size and a checksum in a file beside
// it (PATH.seal), and only a file that fits its seal is opened. While a run writes, the seal says so; where it still
// does and the run is gone, a child process reads the whole index first, and may fail in our stead.
#pragma once

#include <string>

namespace vunify {

enum class Condition {
  absent,
  sound,
  being_written,  // by a run that is alive, or was: see salvage()
  damaged,        // it, or its seal, which may be gone
  other_version,
  foreign,  // not root's alone, or no index of ours
};

// Looks at PATH and its seal. Changes nothing.
Condition examine_seal(const std::string& path);

// What a run that is gone was writing is first looked at by a child process, which may fail in our stead. No thread may
// be running yet. A full disk throws.
bool survives_reading(const std::string& path);  // true where it read every record
bool salvage(const std::string& path);           // true where it put every record into a new index, now in PATH
bool findings_survive(const std::string& path);  // the same as the first, of what that run had learnt: PATH.delta

void break_seal(const std::string& path);  // durable when it returns: from here on it is being written
void make_seal(const std::string& path);   // durable, as the index must be already

// Removes an index with all that is beside it.
void remove_index(const std::string& path);

}  // namespace vunify
