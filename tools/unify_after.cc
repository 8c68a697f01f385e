// SPDX-License-Identifier: Apache-2.0
#include <tbb/global_control.h>

#include <algorithm>
#include <filesystem>
#include <thread>

#include "hashindex/index.h"
#include "sys/process.h"
#include "tools/learn_conffiles.h"
#include "tools/note_guests.h"
#include "tools/session.h"
#include "tools/text.h"
#include "tools/unify_chosen.h"
#include "tools/vapt.h"

namespace vunify {
namespace {

// --all finds them by itself.
std::vector<std::string> words_of(const std::vector<VaptGuest>& guests) {
  std::vector<std::string> words;
  for (const auto& guest : guests)
    if (!guest.is_off) words.push_back(guest.word);
  return words;
}

Options options_for(const VaptOptions& given, std::vector<std::string> words) {
  Options options;
  options.all = given.all;
  if (!given.all) options.guests = std::move(words);
  options.config = given.config;
  options.state_dir = given.state_dir;
  options.jobs = std::max(1U, std::thread::hardware_concurrency());
  if (given.quiet) options.detail = Detail::quiet;
  return options;
}

// One alone has its peers in the index.
bool has_peers(const Options& options) {
  std::error_code unseen;
  return options.all || options.guests.size() > 1 ||
         (!options.guests.empty() && std::filesystem::exists(index_path(options.state_dir), unseen));
}

Exit unify(const Options& options) {
  auto choice = choose_guests(options);
  if (choice.roots.empty()) return Exit::done;
  Session session(options, choice);
  give_numbers(options, choice, session.state(), session.outcome());
  const tbb::global_control threads(tbb::global_control::max_allowed_parallelism, session.run().jobs);
  session.open_index();
  learn_conffiles(choice.roots, session.outcome());
  session.carry_out([&] { unify_chosen(options, choice, session); });
  return session.tell(true);
}

}  // namespace

bool unify_after(const VaptOptions& options, const std::vector<VaptGuest>& guests) {
  const auto asked = options_for(options, words_of(guests));
  if (!has_peers(asked)) return true;
  use_idle_io();
  try {
    return unify(asked) == Exit::done;
  } catch (const Failed& failed) {
    if (failed.exit == Exit::fatal) throw;
    if (*failed.what() != '\0') complain(std::string("not unified now: ") + failed.what());
    return true;
  }
}

}  // namespace vunify
