// SPDX-License-Identifier: Apache-2.0
// What else holds a process than its namespaces and capabilities, to be taken over by one that goes where it is: its
// control groups (cgroups(7), of all hierarchies), and its label of a security module (AppArmor, SELinux).
#pragma once

#include <string>

namespace vunify {

// Throws where it is in a group that we are not in and cannot go into; some are joined then. Only of one thread.
void join_groups_of(int process);

// "web (enforce)"; empty where it has none, or one that confines nobody.
std::string label_of(int process);
// The program that this process executes has it. /proc has to be the host's. Throws where it cannot be had.
void take_label(const std::string& label);

// Nobody outside can be reached by an abstract UNIX socket (unix(7)) from now on, which mount namespaces do not part:
// Landlock, Linux 6.12. False where the kernel does not have it.
bool refuse_abstract_sockets();

}  // namespace vunify
