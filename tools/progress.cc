// SPDX-License-Identifier: Apache-2.0
#include "tools/progress.h"

#include <fmt/format.h>
#include <unistd.h>

#include <algorithm>
#include <chrono>
#include <condition_variable>
#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <mutex>
#include <nlohmann/json.hpp>
#include <system_error>

#include "sys/terminal.h"
#include "tools/text.h"

namespace vunify {
namespace {

using Clock = std::chrono::steady_clock;
constexpr auto bar_pause = std::chrono::milliseconds(200);
constexpr auto json_pause = std::chrono::seconds(1);
constexpr std::size_t bar_columns = 20;

const char* name_of(Phase phase) {
  constexpr const char* names[] = {"walk", "prove", "link", "done"};
  return names[static_cast<int>(phase)];
}

// A share from 0 to 1; bytes tell more than files. Negative where no total is known.
double share_done(const ProgressState& state) {
  const auto total = state.bytes_total != 0 ? state.bytes_total : state.files_total;
  const auto done = state.bytes_total != 0 ? state.bytes : state.files;
  return total == 0 ? -1 : std::min(1.0, static_cast<double>(done) / static_cast<double>(total));
}

std::string bar(double share) {
  const auto filled = static_cast<std::size_t>(share * bar_columns);
  std::string inside(filled, '=');
  if (filled < bar_columns) inside += '>';
  inside.resize(bar_columns, ' ');
  return "[" + inside + "]";
}

std::string time_left(double share, double seconds) {
  if (share <= 0.01 || seconds < 1) return {};
  return format_seconds(seconds / share - seconds) + " left";
}

// stderr may be full or gone; then there is nothing to see and nothing to do.
void write_stderr(std::string_view text) {
  [[maybe_unused]] const auto written = ::write(STDERR_FILENO, text.data(), text.size());
}

class Drawing {
 public:
  Drawing(ProgressMode mode, const Counters& counters) : mode_(mode), counters_(counters) {}

  void run(const std::stop_token& stop) {
    std::mutex mutex;  // guards nothing: waiting wants one
    std::condition_variable_any wake;
    std::unique_lock lock(mutex);
    do {
      draw();
      wake.wait_for(lock, stop, pause(), [] { return false; });
    } while (!stop.stop_requested());
    finish();
  }

 private:
  std::chrono::milliseconds pause() const { return mode_ == ProgressMode::json ? json_pause : bar_pause; }

  void draw() {
    const Phase phase = counters_.phase;
    if (phase != state_.phase) {
      finish();
      begun_ = Clock::now();
    }
    state_ = {phase,
              counters_.files,
              counters_.bytes,
              counters_.files_total,
              counters_.bytes_total,
              std::chrono::duration<double>(Clock::now() - begun_).count()};
    if (phase == Phase::done) return;
    if (mode_ == ProgressMode::json) return write_stderr(progress_json(state_) + "\n");
    // The line is cleared by what it holds being overwritten: clearing it first would flicker.
    write_stderr("\r" + progress_bar(state_, terminal_columns(STDERR_FILENO).value_or(80) - 1) + "\x1b[K");
    drawn_ = true;
  }

  void finish() {
    if (mode_ == ProgressMode::bar && drawn_) write_stderr("\r\x1b[K");
    drawn_ = false;
  }

  ProgressMode mode_;
  const Counters& counters_;
  ProgressState state_;
  Clock::time_point begun_ = Clock::now();
  bool drawn_ = false;
};

void draw_until(const std::stop_token& stop, ProgressMode mode, const Counters& counters) {
  try {
    Drawing(mode, counters).run(stop);
  } catch (const std::exception&) {
    // No progress is better than no run.
  }
}

bool is_terminal() {
  const char* kind = std::getenv("TERM");
  return terminal_columns(STDERR_FILENO) && kind != nullptr && std::strcmp(kind, "dumb") != 0;
}

}  // namespace

ProgressMode progress_mode(const std::string& word) {
  if (word == "json") return ProgressMode::json;
  return word == "auto" && is_terminal() ? ProgressMode::bar : ProgressMode::none;
}

Progress::Progress(ProgressMode mode, const Counters& counters) {
  if (mode == ProgressMode::none) return;
  try {
    thread_ = std::jthread([mode, &counters](const std::stop_token& stop) { draw_until(stop, mode, counters); });
  } catch (const std::system_error&) {
    // EAGAIN: no thread to be had.
  }
}

Progress::~Progress() = default;

std::string progress_bar(const ProgressState& state, std::size_t columns) {
  const double share = share_done(state);
  const double rate = state.seconds > 0 ? static_cast<double>(state.bytes) / state.seconds : 0;
  // What matters least is last, and is left out first.
  std::vector<std::string> parts{fmt::format("{:<5}", name_of(state.phase))};
  if (share >= 0) parts.push_back(bar(share) + fmt::format(" {:3.0f}%", share * 100));
  parts.push_back(format_count(state.files) + (state.files == 1 ? " file" : " files"));
  if (const auto left = time_left(share, state.seconds); !left.empty()) parts.push_back(left);
  if (state.bytes != 0) parts.push_back(format_bytes(state.bytes));
  if (state.bytes != 0 && state.seconds >= 1) parts.push_back(format_bytes(static_cast<std::uint64_t>(rate)) + "/s");
  std::string line;
  for (const auto& part : parts) {
    const auto longer = line.empty() ? part : line + "  " + part;
    if (longer.size() > columns) break;
    line = longer;
  }
  return line;
}

std::string progress_json(const ProgressState& state) {
  const nlohmann::ordered_json object = {{"phase", name_of(state.phase)},    {"files", state.files},
                                         {"files_total", state.files_total}, {"bytes", state.bytes},
                                         {"bytes_total", state.bytes_total}, {"seconds", state.seconds}};
  return object.dump();
}

}  // namespace vunify
