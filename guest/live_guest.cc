// SPDX-License-Identifier: Apache-2.0
#include "guest/live_guest.h"

#include <array>
#include <cstring>

namespace vunify {
namespace {

constexpr std::size_t numbers = 3;  // in front of the leaf
constexpr auto fresh_for = longest_hold / 2;

}  // namespace

std::string to_body(const LiveName& name) {
  const std::array<std::uint64_t, numbers> head{name.dev, name.directory, name.ino};
  return std::string(reinterpret_cast<const char*>(head.data()), sizeof head) + name.leaf;
}

LiveName live_name_from(std::string_view body) {
  std::array<std::uint64_t, numbers> head{};
  if (body.size() <= sizeof head) throw std::system_error(EPROTO, std::generic_category(), "held name");
  std::memcpy(head.data(), body.data(), sizeof head);
  return {head[0], head[1], head[2], std::string(body.substr(sizeof head))};
}

// A verb that costs nothing, and that one without holds does not know.
bool LiveGuest::answers() const {
  try {
    auto line = take_line();
    if (line->ask({ControlVerb::let_go}).word != ControlWord::done) return false;
    keep_line({std::move(line)});
    return true;
  } catch (const std::system_error&) {
    return false;
  }
}

std::shared_ptr<const LiveGuest> LiveGuest::find(int root, std::string_view run_dir) {
  auto mounted = find_mounted(root, std::string(run_dir));
  if (!mounted || !mounted->is_alive) return nullptr;
  const std::shared_ptr<const LiveGuest> guest(new LiveGuest(std::move(*mounted)));
  return guest->answers() ? guest : nullptr;
}

std::optional<LiveGuest::Line> LiveGuest::kept_line() const {
  const std::lock_guard lock(mutex_);
  if (lines_.empty()) return std::nullopt;
  auto line = std::move(lines_.back());
  lines_.pop_back();
  return line;
}

bool LiveGuest::has_kept_line() const {
  const std::lock_guard lock(mutex_);
  return !lines_.empty();
}

// By now the daemon has mostly answered what was said last. Where we led the name after it had looked, for the hold had
// run out, it is to look again.
std::unique_ptr<DaemonLine> LiveGuest::take_line() const {
  auto line = kept_line();
  if (!line) return std::make_unique<DaemonLine>(mounted_);
  if (line->let_go && line->daemon->hear().word == ControlWord::ran_out) hold(*line->let_go);
  return std::move(line->daemon);
}

void LiveGuest::keep_line(Line line) const {
  const std::lock_guard lock(mutex_);
  lines_.push_back(std::move(line));
}

void LiveGuest::wait_until_let_go() const {
  std::vector<Line> answered;
  try {
    while (has_kept_line()) answered.push_back({take_line()});
  } catch (const std::system_error& error) {
    fall_silent(error);
  }
  for (auto& line : answered) keep_line(std::move(line));
}

LiveGuest::~LiveGuest() { wait_until_let_go(); }

std::string LiveGuest::silence() const {
  const std::lock_guard lock(mutex_);
  return silence_;
}

void LiveGuest::fall_silent(const std::system_error& error) const {
  const std::lock_guard lock(mutex_);
  lines_.clear();
  silence_ = is_error(error, EAGAIN) ? "its vcow gave no answer for a second: it is left alone for the rest of this run"
                                     : "its vcow has ended, or does not answer (" + error.code().message() +
                                           "): it is left alone for the rest of this run";
}

LiveGuest::Hold LiveGuest::hold(const LiveName& name) const {
  Hold hold(Hold::State::silent);
  if (!silence().empty()) return hold;
  try {
    auto line = take_line();
    hold.asked_ = std::chrono::steady_clock::now();
    const auto answer = line->ask({ControlVerb::hold, to_body(name)});
    hold.state_ = answer.word == ControlWord::done ? Hold::State::held : Hold::State::in_use;
    if (hold.state_ != Hold::State::held) {
      keep_line({std::move(line)});
      return hold;
    }
    hold.guest_ = this;
    hold.name_ = name;
    hold.line_ = std::move(line);
  } catch (const std::system_error& error) {
    fall_silent(error);
  }
  return hold;
}

bool LiveGuest::Hold::is_fresh() const {
  return guest_ == nullptr || std::chrono::steady_clock::now() - asked_ < fresh_for;
}

void LiveGuest::Hold::begin_to_let_go() {
  if (!line_) return;
  auto line = std::move(line_);
  try {
    line->say({ControlVerb::let_go});
    guest_->keep_line({std::move(line), std::move(name_)});
  } catch (const std::system_error& error) {
    guest_->fall_silent(error);
  }
}

void LiveGuest::Hold::let_go() {
  begin_to_let_go();
  if (guest_ != nullptr) guest_->wait_until_let_go();
}

LiveGuest::Hold::~Hold() { begin_to_let_go(); }

}  // namespace vunify
