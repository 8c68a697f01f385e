// SPDX-License-Identifier: Apache-2.0
#include "fuse/control.h"

#include <memory>
#include <thread>
#include <utility>

#include "fuse/log.h"
#include "sys/local_socket.h"

namespace vunify {

void ControlLine::answer(const ControlAnswer& answer) const { send_message(connection_, to_message(answer)); }

std::optional<ControlQuestion> ControlLine::next() const {
  const auto message = receive_message(connection_);
  return message ? std::optional(question_from(*message)) : std::nullopt;
}

bool ControlLine::has_question(std::chrono::milliseconds most) const { return has_message(connection_, most); }

void Control::answer(ControlVerb verb, std::function<std::string(const std::string&)> answer) {
  converse(verb, [answer = std::move(answer)](const std::string& body, const ControlLine&) {
    return ControlAnswer{ControlWord::done, answer(body)};
  });
}

Control::~Control() {
  std::unique_lock lock(mutex_);
  is_over_ = true;
  ended_.notify_all();
  hang_up(listening_.get());
  for (const int connection : connections_) hang_up(connection);
  ended_.wait(lock, [this] { return threads_ == 0; });
}

void Control::start() {
  const std::lock_guard lock(mutex_);
  run([this] { accept_all(); });
}

// Locked. Detached: nobody waits for one of them but the end.
void Control::run(std::function<void()> work) {
  std::thread([this, work = std::move(work)] {
    try {
      work();
    } catch (const std::exception& error) {
      tell(std::string("control: ") + error.what());
    }
    const std::lock_guard lock(mutex_);
    if (--threads_ == 0) ended_.notify_all();
  }).detach();
  ++threads_;
}

// What there is too little of just now, descriptors, memory or threads, comes again; it is told once.
void Control::accept_all() {
  std::string told;
  do {
    try {
      accept_while_possible();
    } catch (const std::exception& error) {
      if (told != error.what()) tell("control: " + (told = error.what()));
    }
  } while (!is_over_within(until_next_try));
}

void Control::accept_while_possible() {
  while (auto connection = accept_next(listening_.get()))
    if (is_roots(connection->get())) begin(std::move(*connection));
}

bool Control::is_over_within(std::chrono::milliseconds most) {
  std::unique_lock lock(mutex_);
  return ended_.wait_for(lock, most, [this] { return is_over_; });
}

void Control::begin(Fd connection) {
  const std::lock_guard lock(mutex_);
  if (is_over_ || connections_.size() == most_connections) return;
  const auto kept = std::make_shared<Fd>(std::move(connection));
  run([this, kept] {
    serve(ControlLine(kept->get()));
    const std::lock_guard end(mutex_);
    connections_.erase(kept->get());
  });
  connections_.insert(kept->get());
}

void Control::serve(const ControlLine& line) const {
  try {
    while (const auto question = line.next()) line.answer(answer_to(*question, line));
  } catch (const std::exception&) {  // he has gone, or speaks otherwise, or there is no memory for it
  }
}

ControlAnswer Control::answer_to(const ControlQuestion& question, const ControlLine& line) const {
  try {
    const auto handler = handlers_.find(question.verb);
    return handler == handlers_.end() ? ControlAnswer{ControlWord::unknown} : handler->second(question.body, line);
  } catch (const std::exception& error) {
    return {ControlWord::failed, error.what()};
  }
}

}  // namespace vunify
