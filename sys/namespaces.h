// SPDX-License-Identifier: Apache-2.0
// Namespaces (namespaces(7)): some of our own, those of another process, and the processes that live in them.
#pragma once

#include <string>

#include "sys/fd.h"

namespace vunify {

// A process by a descriptor (pidfd_open(2)), which stands for it also when its number is another's: readable once it
// has ended. Throws ESRCH where it has already.
Fd hold_process(int process);
bool has_ended(int held);
// Nothing where it has ended.
void signal_process(int held, int signal);

// Those kinds (CLONE_NEWNS, ...) of this process become its own, CLONE_NEWPID of the children that it makes from now
// on.
void make_namespaces(int kinds);
// Mounts of its own: what is mounted here from now on others do not see, what others unmount goes here, too.
void part_mounts();
// The same, and nothing of what others mount and unmount is seen any more.
void keep_mounts();

// This process goes into all namespaces of another that are not its own, of PID the children that it makes from now on.
// Only of one thread. Throws where it may not; some may be entered then.
void enter_namespaces(int held, int process);

// The root of another process, as it is now (O_PATH); and going into one for good.
Fd root_of_process(int process);
void enter_root(int dir);

// Puts a detached tree (sys/mount_tree) over a directory of this mount namespace, which has to be our own, and makes it
// the root: all else that is mounted goes (pivot_root(2)).
void make_root(int tree, int over);

void set_host_name(const std::string& name);

}  // namespace vunify
