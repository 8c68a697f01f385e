// SPDX-License-Identifier: Apache-2.0
#include "fuse/supervisor.h"

#include <chrono>
#include <cstring>
#include <deque>
#include <stdexcept>
#include <string>
#include <system_error>
#include <utility>

#include "fuse/log.h"

namespace vunify {
namespace {

using Clock = std::chrono::steady_clock;

// A request that kills whoever serves it does so every time: within milliseconds, or as soon as a worker has begun.
constexpr std::size_t most_deaths = 20;
constexpr auto in_time = std::chrono::seconds(2);
constexpr int killed = 128 + 9;

class Supervisor {
 public:
  Supervisor(Handover& handover, const Supervision& supervision, const Tasks& tasks)
      : handover_(handover), supervision_(supervision), tasks_(tasks) {}

  MountEnd run() {
    start();
    while (!ended_) answer(supervision_.wait());
    return *ended_;
  }

 private:
  using Event = Supervision::Event;

  void start() {
    handover_.serves = false;
    ++handover_.workers;
    worker_ = tasks_.start();
  }

  void answer(Event event) {
    switch (event) {
      case Event::stop:
        return tasks_.stop();
      case Event::told:
        return begin();
      case Event::replace:
        return replace();
      case Event::child:
        while (const auto one = Supervision::next_ended()) bury(*one);
        return;
      case Event::nothing:
        if (handover_.serves && Supervision::is_dying(worker_)) bury({worker_, killed});
    }
  }

  void begin() {
    if (!handover_.serves || has_begun_ || placing_ != 0) return;
    placing_ = handover_.has_begun ? 0 : tasks_.place();
    if (placing_ == 0) began();
  }

  void began() {
    has_begun_ = true;
    tasks_.began(!std::exchange(handover_.has_begun, true));
  }

  void replace() {
    if (!has_begun_ || !tasks_.may_go_on()) return;
    is_replacing_ = true;
    Supervision::kill(worker_);
  }

  void bury(Supervision::Ended one) {
    if (one.child == worker_) return bury_worker(one.status);
    if (one.child != placing_) return;
    placing_ = 0;
    if (one.status == 0) return began();
    is_given_up_ = true;
    tasks_.give_up();
  }

  void bury_worker(int status) {
    if (is_given_up_) throw_failure();
    if (!tasks_.is_mounted()) {
      ended_ = MountEnd::unmounted;
    } else if (!has_begun_ && placing_ == 0) {
      tasks_.go_back();
      throw_failure();
    } else if (std::exchange(is_replacing_, false)) {
      ++handover_.replaced;
      tasks_.exec();
      start();
    } else {
      replace_dead(status);
    }
  }

  void replace_dead(int status) {
    expect_few_deaths();
    const auto how = status > 128 ? "was killed by signal " + std::to_string(status - 128) : "ended: " + failure();
    ++handover_.replaced;
    if (!tasks_.may_go_on()) {
      tell("the worker " + how + "; this kernel sends nothing again (before Linux 6.9): the guest is mounted anew");
      ended_ = MountEnd::to_be_mounted_anew;
      return;
    }
    tell("the worker " + how + "; another one goes on");
    start();
  }

  void expect_few_deaths() {
    const auto now = Clock::now();
    deaths_.push_back(now);
    while (now - deaths_.front() > in_time) deaths_.pop_front();
    useless_ = tasks_.was_of_use() ? 0 : useless_ + 1;
    if (deaths_.size() < most_deaths && useless_ < most_deaths) return;
    tasks_.give_up();
    const std::string message = "worker after worker dies: the guest is unmounted";
    tell(message);
    throw std::runtime_error(message);
  }

  std::string failure() const {
    return {handover_.failed.data(), ::strnlen(handover_.failed.data(), sizeof handover_.failed)};
  }

  [[noreturn]] void throw_failure() const {
    const auto message = failure();
    if (handover_.is_error) throw std::system_error(handover_.error, std::generic_category(), message);
    throw std::runtime_error(message.empty() ? "the worker ended before it began" : message);
  }

  Handover& handover_;
  const Supervision& supervision_;
  const Tasks& tasks_;
  std::optional<MountEnd> ended_;
  int worker_ = 0, placing_ = 0;
  bool has_begun_ = false;  // a worker of this program
  bool is_replacing_ = false;
  bool is_given_up_ = false;  // what belongs on the mount cannot be placed
  std::deque<Clock::time_point> deaths_;
  std::size_t useless_ = 0;  // the last ones that died
};

}  // namespace

MountEnd supervise(Handover& handover, const Supervision& supervision, const Tasks& tasks) {
  return Supervisor(handover, supervision, tasks).run();
}

}  // namespace vunify
