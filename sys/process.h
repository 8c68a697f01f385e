// SPDX-License-Identifier: Apache-2.0
// What a run asks of the kernel for itself.
#pragma once

#include <cstddef>
#include <string_view>
#include <vector>

namespace vunify {

// Disk time only when nobody else wants any (ioprio_set(2), idle class). Threads made later inherit it.
void use_idle_io();

// Raises the soft limit of open files to the hard one, at most a million; returns it.
std::size_t raise_open_files_limit();

// For a daemon, which serves others and is held to no limit of who started it: so many open files, or as many as we may
// have, and no limit on the size of a file.
void lift_limits(std::size_t open_files);

bool is_root();

// Has the threads of a process that sleep in this function of the kernel (/proc/PID/task/TID/wchan) leave their system
// call and begin it again, which only a debugger could see: ptrace(2), PTRACE_INTERRUPT. False where none does, or it
// may not be traced.
bool restart_system_call(int process, std::string_view sleeping_in);

// Those that have a thread that sleeps there. Asks each thread of the host, a few microseconds each.
std::vector<int> processes_sleeping_in(std::string_view function);

}  // namespace vunify
