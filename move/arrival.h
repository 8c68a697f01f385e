// SPDX-License-Identifier: Apache-2.0
// Where a guest comes to be: built in `.vreceive/NAME/` beside its place, which is root's alone, and moved to it in one
// step once it is whole and on disk. What an attempt that was broken off leaves there is nobody's guest, and serves the
// next one, which clears it; or it is given up. Until then it is told by whoever comes by.
//
//     /vm/.vreceive/g1/1/    an earlier attempt, complete in part
//     /vm/.vreceive/g1/2/    this one, which becomes /vm/g1
#pragma once

#include <stdexcept>
#include <string>
#include <vector>

#include "sys/root_dir.h"

namespace vunify {

inline constexpr auto arrivals_leaf = ".vreceive";
inline constexpr auto arrival_left =
    "some of it has come, and was broken off: vreceive of it goes on, or --give-up removes it";

// Another vreceive is at work there.
struct PlaceInUse : std::runtime_error {
  using std::runtime_error::runtime_error;
};

class Arrival {
 public:
  // path: of the guest, absolute, without symlinks on the way. Makes the directories, and holds them locked as long as
  // it lives. Throws EEXIST where something has the name, EPERM where somebody but root could move what is put there.
  explicit Arrival(const std::string& path);
  // Of an attempt that nothing came of nothing is left.
  ~Arrival();
  Arrival(const Arrival&) = delete;

  const std::vector<RootDir>& earlier() const { return earlier_; }
  const RootDir& tree() const { return tree_.front(); }

  // Removes earlier attempts, makes all durable, and moves the tree to its place. Throws EEXIST where somebody made
  // something there meanwhile.
  void put();

 private:
  std::string path_, leaf_, here_;  // here_: of the directory of attempts
  Fd parent_, arrivals_, attempts_;
  std::vector<RootDir> earlier_;
  std::vector<RootDir> tree_;  // one
  std::string tree_leaf_;
};

// Those that were broken off, for one who only reads; none where there are none.
std::vector<RootDir> earlier_arrivals(const std::string& path);

// Removes them. False where there are none. Throws PlaceInUse, and EPERM where it is not ours alone.
bool give_up_arrival(const std::string& path);

// Of a directory of guests: the names of those of which something has come, and no vreceive is at work. Where it cannot
// be read, or is not ours alone, there are none.
std::vector<std::string> arrivals_left_in(const std::string& directory);

}  // namespace vunify
