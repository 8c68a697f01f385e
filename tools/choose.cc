// SPDX-License-Identifier: Apache-2.0
#include "tools/choose.h"

#include <algorithm>
#include <filesystem>
#include <map>

#include "guest/adopted.h"
#include "hashindex/index.h"
#include "host/config_file.h"
#include "host/off_list.h"
#include "host/providers.h"
#include "tools/named_guest.h"
#include "tools/text.h"

namespace vunify {

std::string place_of(const Mistake& mistake) {
  return mistake.line == 0 ? mistake.file : mistake.file + ":" + std::to_string(mistake.line);
}

namespace {

// What -R and --delete do is done to all of a guest.
bool follows_rules(const Options& options) {
  return options.verb == Verb::unify || options.verb == Verb::why || options.verb == Verb::list;
}

GuestRules rules_of(const UnifyConfig& config, const std::string& no_links, const Options& options) {
  GuestRules rules{.packages = config.packages, .protect = config.protect, .group = config.group};
  if (options.protect) rules.protect = options.protect;
  if (!no_links.empty()) rules.protect = Protection::reflink;  // whatever was asked for
  rules.exclude = config.exclude;
  if (options.exclude.is_empty()) return rules;
  auto exclude = std::make_shared<ExcludeList>(options.exclude);
  if (config.exclude) exclude->add(*config.exclude);
  rules.exclude = std::move(exclude);
  return rules;
}

GuestRoot root_of(const HostGuest& guest, const HostGuests& host, const Options& options) {
  GuestRoot root{.path = guest.root, .name = name_among(guest, host.guests), .xid = guest.xid};
  root.rules.packages = false;
  if (follows_rules(options)) root.rules = rules_of(guest.unify, guest.no_links, options);
  return root;
}

GuestRoot by_hand(const std::string& directory, const std::shared_ptr<const ExcludeList>& exclude,
                  const Options& options) {
  GuestRoot root{.path = directory};
  root.rules.packages = follows_rules(options);
  if (follows_rules(options)) root.rules.exclude = exclude, root.rules.protect = options.protect;
  return root;
}

bool is_same_directory(const std::string& one, const std::string& other) {
  std::error_code unseen;
  return one == other || std::filesystem::equivalent(one, other, unseen);
}

class Chooser {
 public:
  Chooser(const Options& options, HostGuests host) : options_(options), host_(std::move(host)) {
    for (const auto& mistake : host_.mistakes) choice_.failed.push_back({"", place_of(mistake), mistake.reason});
    for (const auto& guest : host_.guests) choice_.one_group &= guest.unify.group == host_.guests[0].unify.group;
  }

  Choice run() {
    if (options_.all) take_all();
    for (const auto& word : options_.guests) {
      is_directory_word(word) ? take_directory(word) : take_name(word);
      if (needs_first() && choice_.roots.empty()) refuse_last();
    }
    if (options_.verb == Verb::why && choice_.roots.size() == 1 && !choice_.roots[0].name.empty()) take_others();
    if (options_.wants_others()) take_others();
    if (names_guests()) take_refservers();
    give_refservers();
    if (!options_.packages.empty()) make_first_the_reference();
    if (options_.has_references()) make_others_references();
    choice_.host = std::move(host_);
    return std::move(choice_);
  }

 private:
  void take_all() {
    const OffList off(options_.state_dir);
    for (const auto& guest : host_.guests)
      if (guest.left_alone.empty() && (options_.verb == Verb::deunify || !off.is_off(guest))) take(guest);
  }

  bool needs_first() const { return !options_.packages.empty() || options_.wants_others(); }

  [[noreturn]] void refuse_last() const {
    const auto& failure = choice_.failed.back();
    throw Failed(Exit::refused, printable(failure.guest) + ": " + one_line(failure.reason));
  }

  void take_directory(const std::string& word) {
    if (options_.manually) return take_pair(word);
    if (!by_hand_) {
      auto exclude = std::make_shared<ExcludeList>(options_.exclude);
      exclude->add_shipped();
      by_hand_ = std::move(exclude);
    }
    choice_.roots.push_back(by_hand(word, by_hand_, options_));
  }

  void take_pair(const std::string& directory) {
    auto exclude = std::make_shared<ExcludeList>(options_.exclude);
    exclude->add(options_.lists[choice_.roots.size()]);
    choice_.roots.push_back(by_hand(directory, std::move(exclude), options_));
  }

  void take_name(const std::string& word) {
    const auto& guest = find_named(word, host_);
    if (guest.left_alone.empty()) return take(guest);
    choice_.failed.push_back({name_among(guest, host_.guests), "", guest.left_alone});
  }

  // With which of them is it shared, or, where they are not off, can it be?
  void take_others() {
    const auto asked = choice_.roots[0].path;
    const OffList off(options_.state_dir);
    for (const auto& guest : host_.guests) {
      const bool is_out = options_.wants_others() && off.is_off(guest);
      if (guest.left_alone.empty() && !is_out && !is_same_directory(guest.root, asked)) take(guest);
    }
  }

  void take(const HostGuest& guest) {
    auto root = root_of(guest, host_, options_);
    for (std::uint32_t i = 0; i < guest.unify.refservers.size(); ++i) {
      auto& rank = refservers_.try_emplace(guest.unify.refservers[i], i).first->second;
      rank = std::min(rank, i);
    }
    choice_.roots.push_back(std::move(root));
  }

  // Not in a run over all, nor where it is told who is the reference.
  bool names_guests() const {
    const bool asks = options_.verb == Verb::unify || options_.verb == Verb::why;
    return asks && !options_.all && !options_.has_references() && options_.packages.empty();
  }

  // Of those that are named: walked for what these can have of them.
  void take_refservers() {
    const OffList off(options_.state_dir);
    for (const auto& guest : host_.guests) {
      const bool is_one = refservers_.contains(name_among(guest, host_.guests));
      if (!is_one || !guest.left_alone.empty() || off.is_off(guest) || is_chosen(guest)) continue;
      choice_.roots.push_back(root_of(guest, host_, options_));
      choice_.roots.back().rules.is_reference = true;
    }
  }

  bool is_chosen(const HostGuest& guest) const {
    const auto is_it = [&guest](const GuestRoot& root) { return is_same_directory(root.path, guest.root); };
    return std::ranges::any_of(choice_.roots, is_it);
  }

  // Those that others take keepers from.
  void give_refservers() {
    for (auto& root : choice_.roots)
      if (const auto found = refservers_.find(root.name); found != refservers_.end())
        root.rules.refserver = found->second;
  }

  // Keepers come from it, whatever a configuration says.
  void make_first_the_reference() {
    for (auto& root : choice_.roots) root.rules.refserver = no_refserver;
    choice_.roots.front().rules.refserver = 0;
  }

  // Those that are configured so stay before all others.
  void make_others_references() {
    auto& roots = choice_.roots;
    roots.front().rules.refserver = no_refserver;
    for (std::size_t i = 1; i < roots.size(); ++i) {
      auto& rules = roots[i].rules;
      rules.is_reference = true;
      if (rules.refserver == no_refserver) rules.refserver = static_cast<std::uint32_t>(refservers_.size() + i);
    }
  }

  const Options& options_;
  HostGuests host_;
  Choice choice_;
  std::shared_ptr<const ExcludeList> by_hand_;
  std::map<std::string, std::uint32_t> refservers_;
};

// One guest alone finds its keepers through the index, or at its refservers.
void expect_another(const Options& options, const Choice& choice) {
  if (options.verb != Verb::unify || options.has_references()) return;
  if (options.guests.size() != 1 || choice.roots.size() != 1) return;
  std::error_code unseen;
  if (std::filesystem::exists(index_path(options.state_dir), unseen)) return;
  throw Failed(Exit::usage, "at least two guests are needed, for no earlier run is known; see vunify --help");
}

}  // namespace

std::vector<GuestRoot> roots_of_all(const Options& options, const HostGuests& host) {
  std::vector<GuestRoot> roots;
  for (const auto& guest : host.guests)
    if (guest.left_alone.empty()) roots.push_back(root_of(guest, host, options));
  return roots;
}

HostGuests find_host_guests(const Options& options) {
  try {
    return host_guests(options.config, options.providers);
  } catch (const Misconfigured& wrong) {
    throw Failed(Exit::usage, printable(place_of(wrong.mistake)) + ": " + one_line(wrong.mistake.reason));
  }
}

HostGuests find_host_guests(const std::string& config) {
  Options where;
  where.config = config;
  return find_host_guests(where);
}

Choice choose_guests(const Options& options) {
  const bool names = options.all || options.wants_others() || !std::ranges::all_of(options.guests, is_directory_word);
  auto choice = Chooser(options, names ? find_host_guests(options) : HostGuests()).run();
  expect_another(options, choice);
  const bool is_bare_host = options.all && choice.failed.empty();
  if (!choice.roots.empty() || options.verb == Verb::recover || is_bare_host) return choice;
  for (const auto& failure : choice.failed)
    complain(printable(failure.path.empty() ? failure.guest : failure.path) + ": " + one_line(failure.reason));
  throw Failed(Exit::usage, printable(options.config) + ": no guest that can be unified; see vunify --list");
}

const std::string& name_of(const GuestRoot& root) { return root.name.empty() ? root.path : root.name; }

RootDir open_tree(const GuestRoot& root, const std::vector<Mount>& mounts) {
  return RootDir(find_guest(root.path, mounts).root);
}

}  // namespace vunify
