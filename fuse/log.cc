// SPDX-License-Identifier: Apache-2.0
#include "fuse/log.h"

#include <fcntl.h>

#include <chrono>
#include <mutex>

#include "sys/system_log.h"

namespace vunify {
namespace {

constexpr int lines_a_minute = 20;

std::mutex mutex;
Fd file, journal;
int lines = 0;
std::chrono::steady_clock::time_point minute_began;

bool has_room() {
  const auto now = std::chrono::steady_clock::now();
  if (now - minute_began > std::chrono::minutes(1)) {
    minute_began = now;
    lines = 0;
  }
  return ++lines <= lines_a_minute;
}

void write_line(std::string_view message) {
  if (file)
    write_all(file.get(), std::string(message) + "\n", "log");
  else if (journal)
    log_warning(journal.get(), "vcow", message);
}

}  // namespace

void open_log() { journal = open_system_log(); }

void log_into(const std::string& path) { file = open_host(path, O_WRONLY | O_CREAT | O_APPEND); }

int log_descriptor() { return file ? file.get() : journal.get(); }

void tell(std::string_view message) noexcept {
  try {
    const std::lock_guard lock(mutex);
    if (has_room()) write_line(message);
  } catch (const std::exception&) {  // there is nobody left to be told
  }
}

}  // namespace vunify
