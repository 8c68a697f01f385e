// SPDX-License-Identifier: Apache-2.0
#include "tests/stopped_run.h"

#include <chrono>
#include <csignal>
#include <fstream>
#include <stdexcept>

#include "tests/eventually.h"

namespace vunify::test {
namespace {

// "1234 --- stopped by SIGSTOP ---": the process that strace saw stop; 0 where none has.
int stopped_in(const std::string& trace) {
  std::ifstream lines(trace);
  for (std::string line; std::getline(lines, line);)
    if (line.find("--- stopped by SIGSTOP ---") != line.npos) return std::stoi(line);
  return 0;
}

}  // namespace

StoppedRun::StoppedRun(std::vector<std::string> command, const std::string& call, int n, const std::string& trace) {
  std::vector<std::string> words{"strace",
                                 "-f",
                                 "-qq",
                                 "-o",
                                 trace,
                                 "-e",
                                 "trace=" + call,
                                 "-e",
                                 "inject=" + call + ":signal=STOP:when=" + std::to_string(n)};
  command[0] = VUNIFY_BIN_DIR "/" + command[0];
  words.insert(words.end(), command.begin(), command.end());
  run_ = std::async(std::launch::async, [words] { return run(words); });
  const auto ended = [this] { return run_.wait_for(std::chrono::seconds(0)) == std::future_status::ready; };
  eventually([&] { return (process_ = stopped_in(trace)) != 0 || ended(); });
  if (process_ == 0) throw std::runtime_error("never stopped: " + run_.get().err);
}

StoppedRun::~StoppedRun() {
  if (run_.valid()) go_on();
}

Finished StoppedRun::go_on() {
  ::kill(process_, SIGCONT);
  return run_.get();
}

}  // namespace vunify::test
