// SPDX-License-Identifier: Apache-2.0
#include "fuse/workers.h"

#include <cerrno>
#include <thread>

#include "fuse/requests.h"
#include "sys/thread_ids.h"

namespace vunify {
namespace {

thread_local Workers* workers_of_thread = nullptr;

}  // namespace

Workers::Away::Away() : workers_(workers_of_thread) {
  if (workers_ != nullptr) workers_->leave();
}

Workers::Away::~Away() {
  if (workers_ != nullptr) workers_->come_back();
}

void Workers::start(std::function<void()> ended) {
  ended_ = std::move(ended);
  const std::lock_guard lock(mutex_);
  for (int i = 0; i < steady; ++i) start_one();
}

// Where no thread can be had those that are there do the work.
void Workers::start_one() {
  try {
    std::thread([this] { work(); }).detach();
    ++threads_;
  } catch (const std::system_error&) {
    if (threads_ == 0) throw;
  }
}

void Workers::leave() {
  const std::lock_guard lock(mutex_);
  ++away_;
  if (waiting() >= steady) return;
  if (resting_ > called_) {
    ++called_;
    wanted_.notify_one();
  } else if (threads_ < most) {
    start_one();
  }
}

void Workers::come_back() {
  const std::lock_guard lock(mutex_);
  --away_;
}

// True for one too many: it ends.
bool Workers::retire() {
  std::unique_lock lock(mutex_);
  if (waiting() <= steady) return false;
  if (resting_ < spare) {
    rest(lock);
    return false;
  }
  --threads_;
  return true;
}

void Workers::rest(std::unique_lock<std::mutex>& lock) {
  ++resting_;
  wanted_.wait(lock, [this] { return called_ != 0 || is_over_; });
  --resting_;
  if (called_ != 0) --called_;
}

// The last one tells, with what is its own: this may be gone as soon as it is told.
void Workers::end() {
  const auto ended = ended_;
  {
    const std::lock_guard lock(mutex_);
    is_over_ = true;
    wanted_.notify_all();
    if (--threads_ != 0) return;
  }
  ended();
}

void Workers::work() {
  workers_of_thread = this;
  begin_thread();
  auto* slot = requests_.join();
  fuse_buf buffer{};
  buffer.mem = slot->buffer.data();
  bool is_retired = false;
  while (!is_retired && fuse_session_exited(session_) == 0) {
    Requests::clear(*slot);
    const int got = fuse_session_receive_buf(session_, &buffer);
    if (got == -EINTR || got == -EAGAIN) continue;
    if (got <= 0) break;
    fuse_session_process_buf(session_, &buffer);
    is_retired = retire();
  }
  requests_.leave();
  if (!is_retired) end();
}

}  // namespace vunify
