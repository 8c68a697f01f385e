// SPDX-License-Identifier: Apache-2.0
// Programs killed at a chosen step, and guests that make a run take every kind of step there is.
#pragma once

#include <functional>
#include <map>
#include <string>
#include <vector>

#include "tests/scratch.h"

namespace vunify::test {

// Where a program is to be killed: before its n-th call that changes a file; 0: never. Before its sync_before-th the
// filesystem of sync_path is synced.
struct CrashPoint {
  int before = 0;
  int sync_before = 0;
  std::string sync_path;
  std::string once{};  // "before", "after": one of all the processes of a program is killed there, once
  std::string mark{};  // a file that tells a program which that one executes that it was
};
inline constexpr int killed = 128 + 9;

// What goes in front of a command.
std::vector<std::string> words_until(const CrashPoint& point);

// Runs the command to that point: status is `killed`, or what the program answered where it took fewer steps.
Finished run_until(const CrashPoint& point, std::vector<std::string> command);

// Calls crash(first), crash(first + stride), ... each on guests of its own, until a run ends by itself: crash returns
// what run_until() said. Fails unless runs were killed before every such step, and the last one ended well, after more
// than `steps` of them: else it would have shown nothing. VUNIFY_SWEEP_EVERY=N in the environment: only each N-th of
// these, from one drawn by chance on, so that many such sweeps are a whole one. A run that is killed at its 400th step
// or later is one too many.
void sweep(int first, int stride, int steps, const std::function<Finished(int step)>& crash);

// Four guests in one directory. Some of their files are shared already: among them a keeper that gets one name more,
// two keepers that become one, a last name; others are clones that are to be adopted, second copies, hard links of a
// guest's own, and files in a subdirectory.
class CrashGuests {
 public:
  CrashGuests(const std::string& directory, const std::string& state_dir);

  std::vector<std::string> command(const std::vector<std::string>& options = {}) const;  // all four guests
  Finished unify() const { return run(command()); }
  Finished deunify() const { return run(command({"-R"})); }
  Finished recover() const;

  std::string operator/(const std::string& path) const { return directory_ + "/" + path; }
  const std::string& state_dir() const { return state_dir_; }

  // Changes nothing; says what it found, one line each; empty where all is well.
  std::string content_faults() const;     // a name that leads to something else than at first
  std::string image_faults() const;       // the same, the directories' mtimes and each guest's own links included
  std::string protection_faults() const;  // an inode that is protected and not marked, or shared and not protected
  std::string last_names() const;         // marked and protected still, with one name
  std::string staged() const;             // in staging, but for the file that protection is tried on
  bool has_staging() const;

  // Which names of all guests are one inode.
  // Which of two copies goes with which of the other guest's is nobody's business: both are "copy" here.
  std::vector<std::vector<std::string>> links() const;

 private:
  using Images = std::map<std::string, std::string>;
  std::string faults(bool directories) const;

  std::string directory_, state_dir_;
  Images before_;
  std::map<std::string, std::vector<std::vector<std::string>>> own_links_;  // by guest
};

}  // namespace vunify::test
