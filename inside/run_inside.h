// SPDX-License-Identifier: Apache-2.0
// A program of a guest, run in the guest and nowhere else: in its container, where it runs, by way of its first
// process's namespaces; else in namespaces of its own on its tree, which end with it. Root in the guest is the
// attacker: what it executes was cut off from the host before (inside/confine, sys/new_process).
#pragma once

#include <optional>
#include <string>
#include <vector>

#include "sys/fd.h"

namespace vunify {

// A process of the host by which a guest's container is entered, held.
struct Container {
  int process = 0;
  Fd held;
};

struct InsideRequest {
  std::vector<std::string> words;      // the program by its path in the guest, and its arguments
  std::string name;                    // the guest's
  std::string path;                    // where it is seen, without symlinks
  std::optional<Container> container;  // none: it does not run
  // A program of ours that shows the tree at path as long as it runs, and what then is mounted there; empty: it is
  // there to be seen. Not where it runs.
  std::vector<std::string> show;
  std::string shown_as;
};

class Inside {
 public:
  // Begun. Only of one thread. The program and all that it started in a private namespace end with this process.
  explicit Inside(const InsideRequest& request);

  // To be read, by read_now(); what it starts may hold the other end when it has ended.
  int output() const { return output_.get(); }
  int held() const { return held_.get(); }  // readable when it has ended
  void interrupt() const;                   // SIGINT to the program alone
  void kill() const;  // the program, and in private namespaces all that it started, as when this process ends

  // Once it has ended: its exit code, 128 and a signal's number, or 126 where it never began; then the last line of its
  // output says why.
  int end() const;

 private:
  int process_ = 0;
  Fd output_, held_;
};

}  // namespace vunify
