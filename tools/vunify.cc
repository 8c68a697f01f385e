// SPDX-License-Identifier: Apache-2.0
// vunify: makes equal files of different guests one inode, safely, and takes it back. The program is a list of verbs.
#include <tbb/global_control.h>

#include "tools/ask_packages.h"
#include "tools/choose.h"
#include "tools/cli.h"
#include "tools/learn_conffiles.h"
#include "tools/list_guests.h"
#include "tools/live_guests.h"
#include "tools/note_guests.h"
#include "tools/options.h"
#include "tools/session.h"
#include "tools/status.h"
#include "tools/unify_chosen.h"
#include "tools/why.h"
#include "unify/delete_guest.h"
#include "unify/deunify_guests.h"
#include "unify/summarize.h"
#include "unify/unify_guests.h"

namespace vunify {
namespace {

void deunify(const Options& options, const Choice& choice, Session& session) {
  auto guests = open_chosen(choice, 1, session);
  find_live(guests);
  expect_not_left_alone(guests, 1, session.outcome());
  const auto begin = [&] { note_who_is_off(options, choice, guests, session.state()); };
  session.outcome().filesystems = measure_space(guests);
  obey(deunify_guests(guests, {.begin = begin, .tell = session.tell_file()}, session.run(), session.outcome()));
  tell_silent(guests, session.outcome());
  measure_space_after(guests, session.outcome());
}

// One that was off is not, once it is gone: another of its name is another guest.
void delete_guest(const Options& options, const Choice& choice, Session& session) {
  auto guests = open_chosen(choice, 1, session);
  expect_not_left_alone(guests, 1, session.outcome());
  session.outcome().filesystems = measure_space(guests);
  obey(delete_guest(guests, session.run(), session.outcome()));
  const bool is_gone = session.outcome().failed.empty() && !session.run().stop.requested();
  if (is_gone) note_who_is_off(options, choice, guests, session.state());
  measure_space_after(guests, session.outcome());
}

// Every start recovers, before this.
void carry_out(const Options& options, const Choice& choice, Session& session) {
  switch (options.verb) {
    case Verb::unify:
      return unify_chosen(options, choice, session);
    case Verb::deunify:
      return deunify(options, choice, session);
    case Verb::delete_guest:
      return delete_guest(options, choice, session);
    default:
      return;
  }
}

void learn_before_unifying(const Options& options, Choice& choice, Session& session) {
  session.open_index();
  learn_conffiles(choice.roots, session.outcome());
  ask_packages(options, choice, session.outcome());
}

Exit why(const Options& options) {
  const tbb::global_control threads(tbb::global_control::max_allowed_parallelism, options.jobs);
  obey(check_locks());
  auto choice = choose_guests(options);
  expect_state_outside(options, choice);
  Outcome outcome;
  learn_conffiles(choice.roots, outcome);
  return tell_why(options, choice);
}

// A host that has none yet, or all of whose guests are off: its nights are no failures.
Exit tell_no_guest(const Options& options) {
  if (options.detail != Detail::quiet) print("no guest on this host is to be unified: see vunify --list\n");
  return Exit::done;
}

Exit vunify(int argc, char** argv) {
  const auto options = parse_options(argc, argv);
  if (options.verb == Verb::status) return tell_status(options);
  begin_as_root();
  if (options.verb == Verb::why) return why(options);
  if (options.verb == Verb::list) return tell_guests(options);
  auto choice = choose_guests(options);
  if (options.all && choice.roots.empty()) return tell_no_guest(options);
  Session session(options, choice);
  give_numbers(options, choice, session.state(), session.outcome());
  const tbb::global_control threads(tbb::global_control::max_allowed_parallelism, session.run().jobs);
  const bool is_unify = options.verb == Verb::unify;
  if (is_unify) learn_before_unifying(options, choice, session);
  session.carry_out([&] { carry_out(options, choice, session); });
  return session.tell(is_unify);
}

}  // namespace
}  // namespace vunify

int main(int argc, char** argv) { return vunify::run_tool(argc, argv, vunify::vunify); }
