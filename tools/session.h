// SPDX-License-Identifier: Apache-2.0
// What a program that changes guests begins and ends with: root, idle disk time, the state's lock, what an interrupted
// run left, the index, progress; then the report, kept and printed, and the exit code.
#pragma once

#include <functional>
#include <memory>
#include <optional>
#include <vector>

#include "account/ledger.h"
#include "change/recover.h"
#include "guest/guest.h"
#include "guest/state_dir.h"
#include "tools/choose.h"
#include "tools/cli.h"
#include "tools/file_lines.h"
#include "tools/options.h"
#include "unify/outcome.h"
#include "unify/run.h"

namespace vunify {

// Throws Failed{refused} for anyone but root, to whom it says what only root may do. Idle disk time, and from now on
// SIGINT, SIGTERM and SIGHUP are noted, not obeyed.
void begin_as_root(const std::string& work = "read and link every guest's files");

// Opens the roots, or throws Failed{usage}: the first refusal is its line, the others are complained of. Those that are
// refused only for now, and guests with a name, are failures in outcome, and left out, as long as so many others are
// there.
std::vector<Guest> open_roots(const std::vector<GuestRoot>& roots, std::size_t least, Outcome& outcome);

// Takes out the guests that are to be protected by immutable and could take the flag off (guest/capable.h), which are
// failures in outcome. Throws Failed{refused} where fewer than so many are left.
void expect_incapable(std::vector<Guest>& guests, std::size_t least, Outcome& outcome);

// The same with guests that vcow shows now and cannot be asked (guest/adopted.h).
void expect_not_left_alone(std::vector<Guest>& guests, std::size_t least, Outcome& outcome);

// The same for a night over all guests: that some are shown is no failure, and noted.
void pass_mounted_by(std::vector<Guest>& guests, Outcome& outcome);

// Throws Failed{refused} where a guest could write to the state directory.
void expect_state_outside(const Options& options, const Choice& choice);

// Throws Failed{refused} where there is a refusal.
void obey(const std::optional<Refusal>& refusal);

class Session {
 public:
  // Locks the state directory unless it is a dry run; throws Failed{locked} where another run holds it, and
  // Failed{refused} where it is in a guest, or too few files may be open for even one worker.
  Session(const Options& options, const Choice& choice);

  const StateDir* state() const { return state_ ? &*state_ : nullptr; }
  Run& run() { return run_; }
  Outcome& outcome() { return outcome_; }
  // Of each file, for a line of its own before the report; absent where nobody wants any.
  TellFile tell_file() { return lines_.teller(); }

  // What no journal knows, beside the guests: told, and cleared where that is proven, but for a dry run. And guests of
  // which vreceive was broken off, which are told.
  void look_into_staging(const std::vector<Guest>& guests);
  // A run that gets no index goes on without; one that finds somebody else's file in its place throws Failed{fatal}.
  void open_index();
  // Recovers first, whatever was asked for. Throws Failed{locked} where another run holds a staging directory; any
  // other error of the kernel's is complained of, and told in the report.
  void carry_out(const std::function<void()>& work);
  // Keeps the report where keep is set, and prints it.
  Exit tell(bool keep);

 private:
  void tell_recovery();
  void tell_ledger() const;
  void break_off(const std::system_error& error);

  const Options& options_;
  std::size_t open_files_;         // for all workers
  std::optional<StateDir> state_;  // absent in a dry run
  std::optional<Ledger> ledger_;   // likewise, and where nobody has a limit
  Stop stop_;
  Counters counters_;
  std::unique_ptr<Index> index_;
  Run run_;
  Recovery recovery_;
  Outcome outcome_;
  FileLines lines_;
};

}  // namespace vunify
