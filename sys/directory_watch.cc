// SPDX-License-Identifier: Apache-2.0
#include "sys/directory_watch.h"

#include <sys/inotify.h>
#include <unistd.h>

#include <array>
#include <cerrno>
#include <climits>
#include <cstddef>
#include <cstdint>
#include <utility>

namespace vunify {
namespace {

constexpr std::uint32_t names = IN_CREATE | IN_DELETE | IN_MOVED_FROM | IN_MOVED_TO;
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

bool DirectoryWatch::begin(int dir) {
  if (!events_) return false;
  const auto path = proc_path(dir);
  const int before = std::exchange(
      watch_,
      ::inotify_add_watch(events_.get(), path.c_str(), names | IN_ATTRIB | IN_ONLYDIR));  // the same for the same
  if (before >= 0 && before != watch_) ::inotify_rm_watch(events_.get(), before);
  for_each_event([](const inotify_event&) {});
  return watch_ >= 0;
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
