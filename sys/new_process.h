// SPDX-License-Identifier: Apache-2.0
// A process of ours between fork(2) and the program that it becomes, which may be anybody's: what it must not inherit,
// whom it ends with, and what is told of its end. All only while this process has one thread.
#pragma once

#include <functional>
#include <string>
#include <vector>

#include "sys/fd.h"

namespace vunify {

inline constexpr int not_begun = 126;  // an exit code, as a shell has it for what cannot be executed

// The child ends with what work returns; with not_begun where it throws, after a line on its standard error. It is
// killed when we end, however we do. parent: holds us, as hold_process() does.
int start_process(const std::function<int(int parent)>& work);

// From now on this process gets that signal when its parent ends; now, where it has. To be said anew after a change of
// whose it is, or of its user namespace.
void end_with(int parent, int signal);

// Until the child ends: hands every SIGINT on to it, and takes all other children that end meanwhile, as the first
// process of a PID namespace has to. Returns the child's exit code, or 128 and the number of the signal that killed it.
int tend(int child);
// The same of a child, without any of that; 0 where tend() has taken it.
int wait_for_process(int child);

// The calling process's standard input is at its end, its output and error go there. It has a session of its own, and
// so no terminal that it could push characters into (TIOCSTI).
void take_streams(int output);

// All but these three.
void close_other_files();

// Nobody of the same user may look into this process, nor open what it was executed from, unless he has CAP_SYS_PTRACE
// (PR_SET_DUMPABLE); and nobody its command line and environment, which are gone; until it executes a program.
void hide_process();

// User and group 0 of its user namespace, and no other groups where that lets one say so.
void become_root();

// Executes it: with default signals, umask 022, these three files, and that environment. Throws where it cannot.
[[noreturn]] void become_program(std::vector<std::string> words, std::vector<std::string> environment);

// Executes our own program once more, it and its libraries from mounts that are read-only: who is given a process of
// ours to look into finds the way to no file that he could write to later, be it what it runs (CVE-2019-5736) or what
// it maps (/proc/PID/map_files). Where that was done, it goes back to its root, and returns the directory that the
// program lies in. To be called before anything else.
std::string shield_program(char** words);

}  // namespace vunify
