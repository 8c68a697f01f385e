// SPDX-License-Identifier: Apache-2.0
// A guest that vcow shows while we lead names of it elsewhere, beneath it. Its daemon has to know: what it and the
// kernel keep of a name and of what that leads to is for good. So before a name is exchanged it is held: nobody in the
// guest looks at it, or opens it, from then on. Let go again, the daemon looks at it, and has the kernel forget what is
// no longer so; who has the old inode open keeps it.
//
// Nothing depends on us, or on the daemon, being there a moment later. A hold ends by itself when we end, or take
// longer than a second: what is exchanged after that the daemon notices by inode numbers. A daemon that does not answer
// within a second, or has ended, is not asked again, and its guest is left alone for the rest of the run.
#pragma once

#include <chrono>
#include <cstdint>
#include <memory>
#include <mutex>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "guest/control.h"

namespace vunify {

// A name, and what it leads to now.
struct LiveName {
  std::uint64_t dev = 0;  // of its directory and its inode
  std::uint64_t directory = 0;
  std::uint64_t ino = 0;
  std::string leaf{};
};
std::string to_body(const LiveName& name);
LiveName live_name_from(std::string_view body);  // throws EPROTO

inline constexpr std::chrono::milliseconds longest_hold{1000};

class LiveGuest {
 public:
  // A name that is held; or not, and the guest is not to be touched there.
  class Hold {
   public:
    enum class State { held, in_use, silent };
    // It is let go, and nobody waits for that but who holds a name next, and the LiveGuest's end.
    ~Hold();
    Hold(Hold&&) = default;
    // Of a guest that no vcow shows.
    static Hold of_nobody() { return Hold(State::held); }

    State state() const { return state_; }
    // There is time left for an exchange.
    bool is_fresh() const;
    // Waits until the daemon knows, and the kernel has forgotten.
    void let_go();

   private:
    friend class LiveGuest;
    explicit Hold(State state) : state_(state) {}

    void begin_to_let_go();

    State state_;
    const LiveGuest* guest_ = nullptr;
    LiveName name_{};
    std::unique_ptr<DaemonLine> line_{};  // while it is held
    std::chrono::steady_clock::time_point asked_{};
  };

  // Nothing where no vcow shows this root, or the one that does cannot be asked. root: the guest's, open.
  static std::shared_ptr<const LiveGuest> find(int root, std::string_view run_dir = vcow_run_dir);

  ~LiveGuest();
  LiveGuest(const LiveGuest&) = delete;

  // Any thread.
  Hold hold(const LiveName& name) const;
  // What of it is seen natively: "/home,/srv".
  const std::string& native() const { return mounted_.native; }
  // Why it is left alone; empty while it is not.
  std::string silence() const;

 private:
  explicit LiveGuest(Mounted mounted) : mounted_(std::move(mounted)) {}
  struct Line {
    std::unique_ptr<DaemonLine> daemon;
    std::optional<LiveName> let_go{};  // of this the daemon has not said yet that it knows
  };
  std::optional<Line> kept_line() const;
  bool has_kept_line() const;
  std::unique_ptr<DaemonLine> take_line() const;
  void keep_line(Line line) const;
  void wait_until_let_go() const;
  bool answers() const;
  void fall_silent(const std::system_error& error) const;

  Mounted mounted_;
  mutable std::mutex mutex_;  // guards what follows
  mutable std::vector<Line> lines_{};
  mutable std::string silence_{};
};

}  // namespace vunify
