// SPDX-License-Identifier: Apache-2.0
// What a program takes: seconds, CPU seconds, and the largest RssAnon that was seen (every 5 ms: the kernel keeps a
// high-water mark only of all that is resident, mapped files too).
//
//   measure FILE PROGRAM [ARGUMENT...]      writes "SECONDS CPU-SECONDS KIB" to FILE; ends as the program does
#include <fmt/core.h>
#include <sys/resource.h>
#include <sys/wait.h>
#include <unistd.h>

#include <algorithm>
#include <chrono>
#include <fstream>
#include <string>
#include <thread>

namespace {

// 0 once the process has ended.
long rss_anon(pid_t pid) {
  std::ifstream status(fmt::format("/proc/{}/status", pid));
  for (std::string line; std::getline(status, line);)
    if (line.starts_with("RssAnon:")) return std::stol(line.substr(8));
  return 0;
}

double seconds(timeval time) { return static_cast<double>(time.tv_sec) + static_cast<double>(time.tv_usec) / 1e6; }

}  // namespace

int main(int argc, char** argv) {
  if (argc < 3) return fmt::print(stderr, "usage: measure FILE PROGRAM [ARGUMENT...]\n"), 2;
  const auto start = std::chrono::steady_clock::now();
  const pid_t pid = ::fork();
  if (pid == 0) {
    ::execvp(argv[2], argv + 2);
    ::_exit(127);
  }
  long peak = 0;
  int status = 0;
  rusage used{};
  while (::wait4(pid, &status, WNOHANG, &used) == 0) {
    peak = std::max(peak, rss_anon(pid));
    std::this_thread::sleep_for(std::chrono::milliseconds(5));
  }
  const std::chrono::duration<double> wall = std::chrono::steady_clock::now() - start;
  std::ofstream(argv[1]) << fmt::format("{:.3f} {:.3f} {}\n", wall.count(),
                                        seconds(used.ru_utime) + seconds(used.ru_stime), peak);
  return WIFEXITED(status) ? WEXITSTATUS(status) : 1;
}
