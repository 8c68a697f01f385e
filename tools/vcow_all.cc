// SPDX-License-Identifier: Apache-2.0
#include "tools/vcow_all.h"

#include <fmt/format.h>

#include <algorithm>
#include <atomic>
#include <functional>
#include <mutex>
#include <thread>

#include "sys/program.h"
#include "tools/choose.h"
#include "tools/text.h"
#include "tools/vcow_guests.h"

namespace vunify {
namespace {

constexpr std::size_t at_once = 8;  // each waits for the disk mostly: its guest is counted, its islands looked at

// What is to become of one guest.
struct Task {
  std::string guest;
  std::string told;                                    // where it is so
  std::vector<std::string> words{};                    // of vcow; none: it is so
  std::function<bool()> is_so = [] { return false; };  // asked where that failed: another may have been faster
};

std::string reason_of(const Ended& ended) {
  auto reason = ended.complaint;
  while (reason.ends_with('\n')) reason.pop_back();
  if (reason.starts_with(tool_name() + ": ")) reason.erase(0, tool_name().size() + 2);
  return reason.empty() ? fmt::format("ended with exit code {}", ended.code) : reason;
}

class Tasks {
 public:
  explicit Tasks(std::vector<Task> tasks) : tasks_(std::move(tasks)) {}

  // Returns how many failed.
  std::size_t run() {
    std::vector<std::jthread> threads;
    while (threads.size() < std::min(at_once, tasks_.size())) threads.emplace_back([this] { work(); });
    threads.clear();
    return failed_;
  }

 private:
  void work() {
    for (auto i = next_++; i < tasks_.size(); i = next_++) carry_out(tasks_[i]);
  }

  void carry_out(const Task& task) {
    try {
      if (task.words.empty()) return tell(task);
      const auto ended = run_ourselves(task.words);
      if (ended.code == 0 || task.is_so()) return tell(task);
      fail(task, reason_of(ended));
    } catch (const std::exception& error) {
      fail(task, printable(error.what()));
    }
  }

  void tell(const Task& task) {
    const std::lock_guard lock(mutex_);
    print(fmt::format("{}: {}\n", printable(task.guest), task.told));
  }

  void fail(const Task& task, const std::string& reason) {
    const std::lock_guard lock(mutex_);
    complain(printable(task.guest) + ": " + one_line(reason));
    ++failed_;
  }

  std::vector<Task> tasks_;
  std::atomic<std::size_t> next_ = 0;
  std::mutex mutex_;
  std::size_t failed_ = 0;
};

HostGuests find_host(const AllGuests& all) {
  auto host = find_host_guests(all.config);
  for (const auto& mistake : host.mistakes) complain(printable(place_of(mistake)) + ": " + one_line(mistake.reason));
  return host;
}

std::vector<std::string> words_of(const std::string& verb, const AllGuests& all) {
  std::vector<std::string> words = {tool_name(), verb};
  words.insert(words.end(), all.words.begin(), all.words.end());
  return words;
}

std::vector<VcowGuest> look_again(const AllGuests& all, const HostGuests& host, const std::string& path) {
  auto guests = look_for_vcow(host, all.fstab);
  std::erase_if(guests, [&](const VcowGuest& guest) { return guest.path != path; });
  return guests;
}

Task mounting(const VcowGuest& guest, const AllGuests& all, const HostGuests& host) {
  if (guest.is_shown) return {guest.name, "was mounted"};
  if (!guest.passed_over.empty()) return {guest.name, "passed over: " + one_line(guest.passed_over)};
  auto words = words_of("mount", all);
  if (!guest.options.empty()) words.insert(words.end(), {"-o", fmt::format("{}", fmt::join(guest.options, ","))});
  words.push_back(guest.path);
  if (!guest.point.empty()) words.push_back(guest.point);
  const auto is_shown = [&all, &host, path = guest.path] {
    return std::ranges::any_of(look_again(all, host, path), &VcowGuest::is_shown);
  };
  return {guest.name, "mounted", std::move(words), is_shown};
}

Task unmounting(const VcowGuest& guest, const std::string& point, const AllGuests& all, const HostGuests& host) {
  auto words = words_of("umount", all);
  words.push_back(point);
  const auto is_gone = [&all, &host, path = guest.path, point] {
    const auto now = look_again(all, host, path);
    return now.empty() || std::ranges::count(now.front().points, point) == 0;
  };
  return {guest.name, "unmounted", std::move(words), is_gone};
}

Exit exit_of(std::size_t failed, std::size_t all, const HostGuests& host) {
  if (failed == 0) return host.mistakes.empty() ? Exit::done : Exit::partial;
  return failed == all ? Exit::refused : Exit::partial;
}

Exit run_all(std::vector<Task> tasks, const HostGuests& host) {
  const auto all = tasks.size();
  return exit_of(Tasks(std::move(tasks)).run(), all, host);
}

}  // namespace

Exit mount_all(const AllGuests& all) {
  const auto host = find_host(all);
  std::vector<Task> tasks;
  for (const auto& guest : look_for_vcow(host, all.fstab)) tasks.push_back(mounting(guest, all, host));
  return run_all(std::move(tasks), host);
}

Exit umount_all(const AllGuests& all) {
  const auto host = find_host(all);
  std::vector<Task> tasks;
  for (const auto& guest : look_for_vcow(host, all.fstab))
    for (const auto& point : guest.points) tasks.push_back(unmounting(guest, point, all, host));
  return run_all(std::move(tasks), host);
}

}  // namespace vunify
