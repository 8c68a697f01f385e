// SPDX-License-Identifier: Apache-2.0
// Whom a command line means: guests of this host by their names, or directories.
#pragma once

#include <string>
#include <vector>

#include "guest/guest.h"
#include "guest/state_dir.h"
#include "host/host_guest.h"
#include "tools/options.h"
#include "unify/outcome.h"

namespace vunify {

struct Choice {
  std::vector<GuestRoot> roots;
  HostGuests host;  // all of this host, where names were asked for
  std::vector<Failure>
      failed;             // guests that are skipped: their configuration is wrong, or nothing of them can be unified
  bool one_group = true;  // as Run has it
};

// A word with a slash is a directory, of which no configuration is read; any other is a name. What the command line
// says of excludes and protection comes before what a guest's configuration says. Throws Failed{usage} for a name that
// no guest has, and where no guest is left; a host without any has none.
Choice choose_guests(const Options& options);

// All that the host's configuration tells of. Throws Failed{usage} where it cannot be read at all.
HostGuests find_host_guests(const Options& options);

// "name", "provider:name", or another name that it has. Throws Failed{usage} where no guest, or more than one, is
// called so, after a line for each mistake that may be why.
const HostGuest& find_named(const std::string& word, const HostGuests& host);

// Of every guest of which something can be unified, off or not, by its rules.
std::vector<GuestRoot> roots_of_all(const Options& options, const HostGuests& host);

// "FILE:LINE"
std::string place_of(const Mistake& mistake);

// Gives the chosen guests their numbers, new ones too, and notes whom `-R` takes out, and who is named again: before
// anything is done, so that a run that is killed has not to be told again. state: locked; none in a dry run, where the
// numbers are those that they have. A guest whose number is another's is a failure in outcome, and left out. Throws
// Failed{fatal} where what the state keeps of it is damaged.
void note_choice(const Options& options, Choice& choice, const StateDir* state, Outcome& outcome);

// "name", or "provider:name" where guests of two providers have the name.
std::string name_among(const HostGuest& guest, const std::vector<HostGuest>& all);

// A guest as it is told of; and its tree, which of an adopted one lies elsewhere. Throws where it cannot be opened.
const std::string& name_of(const GuestRoot& root);
RootDir open_tree(const GuestRoot& root);

// Reads what each guest's package manager calls configuration (packages/packages.h), where its rules want it: before
// any thread is begun and any lease taken. Guests of which it cannot be known are told of in outcome's notes.
void learn_conffiles(std::vector<GuestRoot>& roots, Outcome& outcome);

}  // namespace vunify
