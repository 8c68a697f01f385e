// SPDX-License-Identifier: Apache-2.0
// One thread waits for all: for what they write, and for their end.
#include <chrono>
#include <cstdio>
#include <list>

#include "sys/readable.h"
#include "sys/stop.h"
#include "tools/guest_lines.h"
#include "tools/vapt.h"

namespace vunify {
namespace {

using Clock = std::chrono::steady_clock;

constexpr std::size_t most_left_bytes = 1 << 20;  // in a pipe: /proc/sys/fs/pipe-max-size

// What standard output does not take is told once all is done, by run_tool(): no upgrade ends half-way for it.
void pass_on(const std::string& line) {
  std::fwrite(line.data(), 1, line.size(), stdout);
  std::fflush(stdout);
}

// One guest's program.
class AtWork {
 public:
  AtWork(const VaptGuest& guest, VaptEnd& end) : end_(end), inside_(guest.request), lines_(guest.name, pass_on) {}

  int output() const { return is_open_ ? inside_.output() : -1; }
  int held() const { return inside_.held(); }
  void interrupt() const { inside_.interrupt(); }
  void kill() const { inside_.kill(); }

  // 0 where there is nothing now.
  std::size_t read_output() {
    char buffer[1 << 16];
    const auto got = read_now(inside_.output(), buffer, "pipe");
    is_open_ = !got || *got != 0;
    lines_.add({buffer, got.value_or(0)});
    return got.value_or(0);
  }

  // What it left running may have the other end of the pipe: what is in it now is read, and no more.
  void finish() {
    for (std::size_t got = 0, now = 1; is_open_ && now != 0 && got < most_left_bytes; got += now) now = read_output();
    lines_.end();
    end_ = {inside_.end(), std::chrono::duration<double>(Clock::now() - began_).count()};
  }

 private:
  VaptEnd& end_;
  Clock::time_point began_ = Clock::now();
  Inside inside_;
  GuestLines lines_;
  bool is_open_ = true;
};

class Runs {
 public:
  Runs(const std::vector<VaptGuest>& guests, unsigned jobs) : guests_(guests), jobs_(jobs), ends_(guests.size()) {}

  std::vector<VaptEnd> run() {
    for (begin_some(); !at_work_.empty(); begin_some()) {
      wait();
      end_some();
    }
    return std::move(ends_);
  }

 private:
  void begin_some() {
    while (at_work_.size() < jobs_ && next_ < guests_.size() && !stop_.requested()) {
      at_work_.emplace_back(guests_[next_], ends_[next_]);
      ++next_;
    }
  }

  void end_some() {
    if (stop_.requested() && !std::exchange(are_told_, true))
      for (const auto& one : at_work_) one.interrupt();
    if (stop_.insisted() && !std::exchange(are_killed_, true))
      for (const auto& one : at_work_) one.kill();
  }

  void wait() {
    constexpr std::chrono::milliseconds patience{100};  // in which a signal is seen that came before the wait
    std::vector<int> files;
    for (const auto& one : at_work_) files.insert(files.end(), {one.output(), one.held()});
    const auto readable = wait_readable(files, patience);
    std::size_t i = 0;
    for (auto one = at_work_.begin(); one != at_work_.end(); i += 2) {
      if (readable[i]) one->read_output();
      if (readable[i + 1]) one->finish();
      one = readable[i + 1] ? at_work_.erase(one) : std::next(one);
    }
  }

  const std::vector<VaptGuest>& guests_;
  std::size_t jobs_;
  std::vector<VaptEnd> ends_;
  std::list<AtWork> at_work_;
  std::size_t next_ = 0;
  const Stop stop_;
  bool are_told_ = false, are_killed_ = false;
};

}  // namespace

std::vector<VaptEnd> run_in_guests(const std::vector<VaptGuest>& guests, unsigned jobs) {
  return Runs(guests, jobs).run();
}

}  // namespace vunify
