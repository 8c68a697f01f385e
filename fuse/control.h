// SPDX-License-Identifier: Apache-2.0
// What a daemon is asked while it serves (guest/control has the words): a thread waits for who connects, and each of
// them is served by one of his own, for some questions take as long as he does. Root's programs alone come here.
#pragma once

#include <chrono>
#include <condition_variable>
#include <functional>
#include <map>
#include <mutex>
#include <optional>
#include <set>

#include "guest/control.h"
#include "sys/fd.h"

namespace vunify {

// With one who asks, by the thread that serves him.
class ControlLine {
 public:
  explicit ControlLine(int connection) : connection_(connection) {}
  // Throws std::system_error where he has gone.
  void answer(const ControlAnswer& answer) const;
  // Waits for the next; nothing where he has gone.
  std::optional<ControlQuestion> next() const;
  // False where none came in time, and he has not gone.
  bool has_question(std::chrono::milliseconds most) const;

 private:
  int connection_;
};

// The body of the question; the answer, or the one to the last of several that it took from the line. What it throws is
// told to who asked.
using ControlHandler = std::function<ControlAnswer(const std::string& body, const ControlLine& line)>;

class Control {
 public:
  // A socket that listens, made before the sandbox was entered (MountRecord::listen).
  explicit Control(Fd listening) : listening_(std::move(listening)) {}
  // All are hung up on, and waited for.
  ~Control();
  Control(const Control&) = delete;

  // Before start(); a handler is called by many threads.
  void converse(ControlVerb verb, ControlHandler handler) { handlers_[verb] = std::move(handler); }
  // The same, of one that has all that it is asked for.
  void answer(ControlVerb verb, std::function<std::string(const std::string& body)> answer);

  // From inside the sandbox: its threads are in it, too.
  void start();

 private:
  static constexpr std::size_t most_connections = 128;
  static constexpr std::chrono::milliseconds until_next_try{100};

  void run(std::function<void()> work);
  void accept_all();
  void accept_while_possible();
  bool is_over_within(std::chrono::milliseconds most);
  void begin(Fd connection);
  void serve(const ControlLine& line) const;
  ControlAnswer answer_to(const ControlQuestion& question, const ControlLine& line) const;

  Fd listening_;
  std::map<ControlVerb, ControlHandler> handlers_;
  std::mutex mutex_;
  std::condition_variable ended_;
  std::set<int> connections_;
  int threads_ = 0;
  bool is_over_ = false;
};

}  // namespace vunify
