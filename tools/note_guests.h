// SPDX-License-Identifier: Apache-2.0
// What the state keeps of the chosen guests, run after run: their numbers, and who is off.
#pragma once

#include <vector>

#include "guest/state_dir.h"
#include "tools/choose.h"

namespace vunify {

// Gives the chosen guests their numbers, new ones too. state: locked; nullptr in a dry run, where the numbers are those
// that they have. A guest whose number is another's is a failure in outcome, and left out. Throws Failed{fatal} where
// what the state keeps of it is damaged.
void give_numbers(const Options& options, Choice& choice, const StateDir* state, Outcome& outcome);

// That those of guests that were chosen by name are off from now on, where they are taken back; else that they are not.
// To be called once nothing stands against the work, and before anything is changed, so that a run that is killed has
// not to be told again. On disk when it returns; nothing is done without a state. Throws as give_numbers() does, and
// std::system_error for a full disk: then all is as it was.
void note_who_is_off(const Options& options, const Choice& choice, const std::vector<Guest>& guests,
                     const StateDir* state);

}  // namespace vunify
