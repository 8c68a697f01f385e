// SPDX-License-Identifier: Apache-2.0
#include "sys/directory_watch.h"

#include <sys/inotify.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <climits>
#include <cstddef>
#include <cstdint>

namespace vunify {
namespace {

constexpr std::uint32_t names = IN_CREATE | IN_DELETE | IN_MOVED_FROM | IN_MOVED_TO;
constexpr std::size_t most_watched = 256;  // of some thousands that all programs of a user have together
constexpr std::size_t largest_event = sizeof(inotify_event) + NAME_MAX + 1;

}  // namespace

DirectoryWatch::DirectoryWatch() : events_(::inotify_init1(IN_NONBLOCK | IN_CLOEXEC)) {}

DirectoryWatch& DirectoryWatch::of_this_thread() {
  static thread_local DirectoryWatch watch;
  return watch;
}

// All that is queued. False where the kernel could not keep all of it.
template <typename See>
bool DirectoryWatch::for_each_event(const See& see) {
  alignas(inotify_event) std::array<char, 16 << 10> buffer{};
  bool is_all = true, is_full = true;
  while (is_full) {
    const auto got = ::read(events_.get(), buffer.data(), buffer.size());
    if (got < 0) return is_all && errno == EAGAIN;
    const auto end = static_cast<std::size_t>(got);
    for (std::size_t at = 0; at < end;) {
      const auto* event = reinterpret_cast<const inotify_event*>(&buffer[at]);
      is_all &= (event->mask & IN_Q_OVERFLOW) == 0;
      if (event->wd == watch_) see(*event);
      at += sizeof *event + event->len;
    }
    is_full = end + largest_event > buffer.size();
  }
  return is_all;
}

// The same number for the same directory.
int DirectoryWatch::watch(int dir) {
  const auto path = proc_path(dir);
  return ::inotify_add_watch(events_.get(), path.c_str(), names | IN_ATTRIB | IN_ONLYDIR);
}

void DirectoryWatch::forget(std::size_t left) {
  for (; kept_.size() > left; kept_.pop_front()) ::inotify_rm_watch(events_.get(), kept_.front());
}

void DirectoryWatch::keep(int watch) {
  if (std::ranges::find(kept_, watch) != kept_.end()) return;
  kept_.push_back(watch);
  forget(most_watched);
}

bool DirectoryWatch::begin(int dir) {
  if (!events_) return false;
  watch_ = watch(dir);
  if (watch_ < 0) {
    forget(0);
    watch_ = watch(dir);
  }
  if (watch_ < 0) return false;
  keep(watch_);
  for_each_event([](const inotify_event&) {});
  return true;
}

bool DirectoryWatch::saw_one_exchange(std::string_view leaf) {
  int went = 0, came = 0, others = 0;
  const bool is_all = for_each_event([&](const inotify_event& event) {
    const bool is_leaf = event.len > 0 && leaf == event.name;
    if ((event.mask & IN_ATTRIB) != 0 && event.len > 0) return;  // of a file in it
    if (is_leaf && (event.mask & IN_MOVED_FROM) != 0)
      ++went;
    else if (is_leaf && (event.mask & IN_MOVED_TO) != 0)
      ++came;
    else
      ++others;
  });
  return is_all && went == 1 && came == 1 && others == 0;
}

bool DirectoryWatch::saw_no_change() {
  bool changed = false;
  return for_each_event([&](const inotify_event& event) { changed |= (event.mask & names) != 0; }) && !changed;
}

}  // namespace vunify
