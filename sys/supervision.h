// SPDX-License-Identifier: Apache-2.0
// A process that does nothing but wait: for its children, or for somebody who asks something of it (signal(7)).
#pragma once

#include <functional>
#include <optional>
#include <string>
#include <vector>

namespace vunify {

class Supervision {
 public:
  enum class Event { stop, child, told, replace, nothing };
  struct Ended {
    int child;
    int status;  // or 128 and the signal
  };

  // Blocks SIGTERM, SIGINT, SIGCHLD, SIGUSR1 and SIGUSR2 in this thread and all that it starts, and ignores SIGHUP and
  // SIGPIPE.
  Supervision();

  // Event::nothing after a second without one.
  Event wait() const;

  // A child that has ended, each once; none where all live.
  static std::optional<Ended> next_ended();
  // It was killed, and will do nothing more in its own name; but it has threads that the kernel does not let go yet.
  static bool is_dying(int child);
  // Does not wait until it is dead.
  static void kill(int child);
  // A child that has what is open here, in a table of its own; it ends with what work returns, or with us.
  static int start(const std::function<int()>& work);
  // In a child that shares our table: wait() of its supervisor returns `told`.
  static void tell(int supervisor);
};

// Executes another program in this process, which keeps all that is open: words are its command line, without its name.
// Returns why that cannot be.
std::string become(const std::string& program, const std::vector<std::string>& words);

// Of kill(2): asks a supervisor for Event::replace. False where there is no such process.
bool ask_to_replace(int process);

}  // namespace vunify
