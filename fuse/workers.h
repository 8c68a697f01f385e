// SPDX-License-Identifier: Apache-2.0
// The threads that take the kernel's requests. Two of them: the kernel wakes those that wait in turn, and each further
// one costs every request a cold stack. Only while one is away, with something that may take long, another takes its
// place.
#pragma once

#include <functional>
#include <mutex>

#include "fuse/wire.h"

namespace vunify {

class Workers {
 public:
  explicit Workers(fuse_session* session) : session_(session) {}
  Workers(const Workers&) = delete;

  // Starts them. ended() is called by the last when the filesystem is unmounted.
  void start(std::function<void()> ended);

  // As long as it lives the thread that made it is away; on other threads it does nothing.
  class Away {
   public:
    Away();
    ~Away();
    Away(const Away&) = delete;

   private:
    Workers* workers_;
  };

 private:
  static constexpr int steady = 2;
  static constexpr int most = 64;

  void start_one();
  void work();
  void leave();
  void come_back();
  bool retire();
  void end();

  fuse_session* session_;
  std::function<void()> ended_;
  std::mutex mutex_;
  int threads_ = 0, away_ = 0;
};

}  // namespace vunify
