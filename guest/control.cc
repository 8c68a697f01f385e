// SPDX-License-Identifier: Apache-2.0
#include "guest/control.h"

#include <fcntl.h>

#include <array>
#include <cstring>

#include "sys/local_socket.h"
#include "sys/root_dir.h"

namespace vunify {
namespace {

constexpr std::uint16_t version = 1;

struct Head {
  std::array<char, 4> kind = {'v', 'c', 'o', 'w'};
  std::uint16_t version = vunify::version;
  std::uint16_t word = 0;
};

struct Parts {
  std::uint16_t word;
  std::string_view body;
};

std::string join(std::uint16_t word, std::string_view body) {
  const Head head{.word = word};
  std::string message(reinterpret_cast<const char*>(&head), sizeof head);
  return message.append(body);
}

[[noreturn]] void throw_strange(const char* what) { throw std::system_error(EPROTO, std::generic_category(), what); }

Parts split(std::string_view message) {
  Head head;
  const auto kind = head.kind;
  if (message.size() < sizeof head) throw_strange("control message");
  std::memcpy(&head, message.data(), sizeof head);
  if (head.kind != kind || head.version != version) throw_strange("control message of another version");
  return {head.word, message.substr(sizeof head)};
}

}  // namespace

std::string to_message(const ControlQuestion& question) {
  return join(static_cast<std::uint16_t>(question.verb), question.body);
}

ControlQuestion question_from(std::string_view message) {
  const auto parts = split(message);
  return {static_cast<ControlVerb>(parts.word), std::string(parts.body)};
}

std::string to_message(const ControlAnswer& answer) {
  return join(static_cast<std::uint16_t>(answer.word), answer.body);
}

ControlAnswer answer_from(std::string_view message) {
  const auto parts = split(message);
  return {static_cast<ControlWord>(parts.word), std::string(parts.body)};
}

DaemonLine::DaemonLine(const Mounted& mounted, std::chrono::milliseconds patience) {
  const auto place = split_path(mounted.control);
  const Fd dir = open_host(std::string(place.parent), O_PATH | O_DIRECTORY);
  connection_ = connect_at(dir.get(), std::string(place.leaf), patience);
}

ControlAnswer DaemonLine::ask(const ControlQuestion& question) const {
  say(question);
  return hear();
}

void DaemonLine::say(const ControlQuestion& question) const { send_message(connection_.get(), to_message(question)); }

ControlAnswer DaemonLine::hear() const {
  const auto answer = receive_message(connection_.get());
  if (!answer) throw std::system_error(ECONNRESET, std::generic_category(), "vcow");
  return answer_from(*answer);
}

}  // namespace vunify
