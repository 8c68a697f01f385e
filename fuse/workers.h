// SPDX-License-Identifier: Apache-2.0
// The threads that take the kernel's requests. Two of them: the kernel wakes those that wait in turn, and each further
// one costs every request a cold stack. Only while one is away, with something that may take long, another takes its
// place; it rests afterwards until it is wanted again, for dpkg waits for the disk once a file.
#pragma once

#include <condition_variable>
#include <functional>
#include <mutex>

#include "fuse/wire.h"

namespace vunify {

class Requests;

class Workers {
 public:
  Workers(fuse_session* session, Requests& requests) : session_(session), requests_(requests) {}
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
  static constexpr int spare = 2;  // that rest
  static constexpr int most = 64;

  void start_one();
  void work();
  void leave();
  void come_back();
  bool retire();
  void rest(std::unique_lock<std::mutex>& lock);
  void end();
  int waiting() const { return threads_ - away_ - resting_ + called_; }

  fuse_session* session_;
  Requests& requests_;
  std::function<void()> ended_;
  std::mutex mutex_;
  std::condition_variable wanted_;
  int threads_ = 0, away_ = 0, resting_ = 0;
  int called_ = 0;  // of those that rest
  bool is_over_ = false;
};

}  // namespace vunify
