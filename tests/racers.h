// SPDX-License-Identifier: Apache-2.0
// Processes that act as guests while vunify works: each is chrooted into its guest, does one thing over and over, and
// complains when its files are not as it made them.
#pragma once

#include <sys/types.h>

#include <atomic>
#include <chrono>
#include <functional>
#include <map>
#include <memory>
#include <random>
#include <string>
#include <vector>

#include "sys/fd.h"

namespace vunify::test {

// What racers share with the test (in memory that survives fork).
struct Course {
  std::atomic<bool> over{false};
  std::atomic<bool> settled{false};       // the last run of vunify has ended, too
  std::atomic<std::uint64_t> runs{0};     // of vunify that ended
  std::atomic<std::uint64_t> done{0};     // changes that were made
  std::atomic<std::uint64_t> refused{0};  // and those a protected file refused
  std::atomic<std::uint64_t> linked{0};   // names that a guest linked itself
  std::atomic<std::uint64_t> parted{0};   // and that were found to be two inodes afterwards
};

// One guest's view, in its own process. Paths are the guest's own: "/f3".
class Racer {
 public:
  virtual ~Racer() = default;
  virtual void act() = 0;     // one round
  virtual void finish() = 0;  // after the last run of vunify: a last look

 protected:
  Course& course() const { return *course_; }
  unsigned below(unsigned end) { return std::uniform_int_distribution<unsigned>(0, end - 1)(random_); }
  [[noreturn]] static void complain(const std::string& what);
  // Waits for what vunify puts right before its run is over: looks again and again, until a whole run has gone by.
  bool in_time(const std::function<bool()>& holds) const;
  // Counts and passes on: true where the call was refused because the file is protected (or leased, for O_NONBLOCK).
  bool refused(bool failed, const char* call);

 private:
  friend class Racers;
  Course* course_ = nullptr;
  std::mt19937 random_{std::random_device{}()};
};

// Starts racers as processes; call start() before any thread is made.
class Racers {
 public:
  Racers();
  ~Racers();
  Racers(const Racers&) = delete;

  void start(const std::string& root, std::function<std::unique_ptr<Racer>()> make);
  // Ends them all; what they complained of. settle: called when no racer begins another round, for those that wait for
  // a protected file.
  std::vector<std::string> stop(const std::function<void()>& settle = [] {});
  Course& course() const { return *course_; }

 private:
  [[noreturn]] void race(const std::string& root, const std::function<std::unique_ptr<Racer>()>& make) const;

  Course* course_;
  Fd complaints_;
  std::vector<pid_t> children_;
};

// How long a race lasts: VUNIFY_RACE_SECONDS, or a minute.
std::chrono::seconds race_time();

}  // namespace vunify::test
