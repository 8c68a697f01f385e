// SPDX-License-Identifier: Apache-2.0
// What is said to a vcow that serves, and by it: through a socket beside its record (guest/mounted), which root alone
// comes to. A question is one message and so is its answer; the verbs are in the order in which they came to be, and a
// daemon that does not know one says so.
//
//     question   "vcow", version, verb, body      both numbers of two bytes, as this machine has them
//     answer     "vcow", version, word, body
#pragma once

#include <chrono>
#include <cstdint>
#include <string>
#include <string_view>

#include "guest/mounted.h"
#include "sys/fd.h"

namespace vunify {

enum class ControlVerb : std::uint16_t {
  status = 1,  // -> JSON
  hold = 2,    // a LiveName (guest/live_guest): nobody in the guest looks at it until let_go, or the connection's end
  let_go = 3,
};

enum class ControlWord : std::uint16_t {
  done = 0,
  unknown = 1,  // this verb or version, by this daemon
  failed = 2,   // body: why
  in_use = 3,   // hold: somebody writes to it, or changes it just now
  ran_out = 4,  // let_go: the hold had lasted too long, and is over since
};

// Throw EPROTO for what is none.
struct ControlQuestion {
  ControlVerb verb{};
  std::string body{};
};
std::string to_message(const ControlQuestion& question);
ControlQuestion question_from(std::string_view message);

struct ControlAnswer {
  ControlWord word = ControlWord::done;
  std::string body{};
};
std::string to_message(const ControlAnswer& answer);
ControlAnswer answer_from(std::string_view message);

inline constexpr std::chrono::milliseconds daemon_patience{1000};

// A connection to one daemon. All throw std::system_error: ENOENT and ECONNREFUSED where none listens, EAGAIN where it
// did not answer in time (it is stopped, or the machine is), ECONNRESET and EPIPE where it ended meanwhile. For one
// thread.
class DaemonLine {
 public:
  explicit DaemonLine(const Mounted& mounted, std::chrono::milliseconds patience = daemon_patience);
  ControlAnswer ask(const ControlQuestion& question) const;
  // The same in two steps: each question has one answer, in their order.
  void say(const ControlQuestion& question) const;
  ControlAnswer hear() const;

 private:
  Fd connection_;
};

}  // namespace vunify
