// SPDX-License-Identifier: Apache-2.0
// Which guests run, told without asking them, or anything that they may have mounted.
#pragma once

#include <optional>
#include <string>
#include <vector>

namespace vunify {

// One answer for each root: a process has its root there, or somebody mounted it elsewhere, in whichever mount
// namespace, as schroot does for a session. One pass over /proc for all of them. An adopted guest, named by where it is
// seen or by where its tree lies, runs where somebody lives on its vcow; the vcow alone is nobody. roots: on the host;
// of one that is not there nobody runs.
std::vector<bool> who_runs(const std::vector<std::string>& roots);

// By which process a guest's container is entered: one that has its root there and is the first of a PID namespace, of
// several the outermost. Nothing where none is: a guest that runs all the same shares our PID namespace (chroot(2)).
std::optional<int> first_process_of(const std::string& root);

}  // namespace vunify
