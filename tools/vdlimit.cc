// SPDX-License-Identifier: Apache-2.0
// vdlimit: what each guest may use of a filesystem. util-vserver's form names an xid and a mount point, ours a guest.
// All is read and checked before anything is set, and set in one transaction: wholly, or not at all.
#include <fmt/format.h>

#include <algorithm>

#include "host/config_file.h"
#include "host/dlimits.h"
#include "host/xids.h"
#include "sys/process.h"
#include "tools/limit_request.h"
#include "tools/limit_state.h"
#include "tools/limits.h"
#include "tools/named_guest.h"
#include "tools/native_limit.h"
#include "tools/recount.h"
#include "tools/text.h"

namespace vunify {
namespace {

class Command {
 public:
  explicit Command(LimitRequest request) : request_(std::move(request)) {}

  Exit run() {
    find_guests();
    if (!request_.writes()) return look();
    const auto wanted = request_.all ? configured() : WantedLimits();
    const auto places = asked_places();
    if (request_.anew) put_damaged_aside(request_.host.state_dir);
    const auto ledger = open_ledger(request_.host.state_dir);
    set_limits(ledger, wanted);
    follow_natively(wanted);
    if (request_.remove) return remove(ledger, places);
    if (request_.changes()) set(ledger, places);
    if (request_.recount || request_.anew) count(ledger, places);
    if (request_.set.empty() || request_.json) tell(ledger, places);
    return exit_;
  }

 private:
  Exit look() {
    const auto places = asked_places();
    const auto ledger = open_to_read(request_.host.state_dir);
    if (ledger) tell(*ledger, places);
    for (std::size_t i = 0; i < places.size() && !ledger; ++i) fail(no_limit_at(i, places[i].key));
    if (!ledger && request_.json) tell({});
    return exit_;
  }

  void find_guests() {
    const bool is_number = request_.is_old() && parse_limit(request_.xid, most_xid).has_value();
    if (is_number && !request_.recount) return;
    guests_ = find_host_guests(request_.host);
    show_xids(request_.host.state_dir, guests_);
  }

  // Where one of them is wrong nothing is set.
  WantedLimits configured() {
    WantedLimits all;
    for (const auto& guest : guests_.guests) {
      if (!guest.xid && !read_dlimits(guest.config).empty())
        complain(printable(guest.name) + ": its dlimits are not set: it has no xid; vunify gives it one");
      const auto limits = limits_of(guest);
      all.insert(all.end(), limits.begin(), limits.end());
    }
    return all;
  }

  std::uint32_t xid_of(const std::string& word) const {
    const auto number = parse_limit(word, most_xid);
    if (number && !number->is_infinite && number->number == 0)
      throw Failed(Exit::usage, "xid 0 is nobody's: what the host has, and what guests share");
    if (number && !number->is_infinite) return static_cast<std::uint32_t>(number->number);
    const auto& guest = find_named(word.starts_with(':') ? word.substr(1) : word, guests_);
    if (!guest.xid) throw Failed(Exit::usage, printable(word) + ": has no xid; vunify gives it one");
    return *guest.xid;
  }

  std::vector<LimitPlace> asked_places() const {
    std::vector<LimitPlace> places;
    for (const auto& word : request_.operands)
      places.push_back(request_.is_old() ? LimitPlace{limit_key(word, xid_of(request_.xid)), word}
                                         : place_of_guest(word));
    return places;
  }

  LimitPlace place_of_guest(const std::string& word) const {
    auto place = place_of(find_named(word, guests_).root, xid_of(word));
    const bool is_covered = place.directory != place.tree;
    const auto ledger = is_covered ? open_to_read(request_.host.state_dir) : nullptr;
    if (ledger) place.key = key_of_covered(place.tree, place.key.xid, *ledger);
    return place;
  }

  // The kernel's follow the ledger's; where one cannot, all is as it was.
  void set(const Ledger& ledger, const std::vector<LimitPlace>& places) {
    const auto native = expect_native(ledger, places);
    const LimitsBefore before(ledger, places);
    set_in(ledger, places);
    try {
      for (std::size_t i = 0; i < places.size(); ++i) {
        const auto limit = ledger.read().limit(places[i].key).value_or(Limit{});
        native[i] ? set_natively(places[i], limit) : follow_natively(places[i], limit);
        if (native[i] && (limit.total.space == 0 || limit.total.inodes == 0))
          complain(printable(request_.operands[i]) + ": 0 is no limit to the kernel, which is told 1");
      }
    } catch (const std::system_error& error) {
      before.put_back();
      throw Failed(Exit::partial, std::string("the kernel takes no such limit: ") + printable(error.what()));
    }
  }

  // Which of them the kernel is to hold. What stands against one ends it all, but for --advisory.
  std::vector<bool> expect_native(const Ledger& ledger, const std::vector<LimitPlace>& places) const {
    std::vector<bool> native(places.size(), request_.native);
    for (std::size_t i = 0; i < places.size() && request_.native; ++i) {
      auto limit = ledger.read().limit(places[i].key);
      if (limit && !request_.count.empty()) limit->count = Count::exclusive;
      const auto why = why_not_natively(places[i], limit);
      if (why.empty()) continue;
      const auto told = printable(request_.operands[i]) + ": " + why;
      if (!request_.advisory) throw Failed(Exit::refused, told);
      complain(told);
      native[i] = false;
    }
    return native;
  }

  // A limit that is not there begins with nothing limited.
  void set_in(const Ledger& ledger, const std::vector<LimitPlace>& places) const {
    auto change = ledger.change();
    for (const auto& place : places) {
      const auto& key = place.key;
      auto limit = request_.set.on(change.limit(key).value_or(Limit{}));
      const auto count = request_.count == "logical" ? Count::logical : Count::exclusive;
      if (!request_.count.empty() && limit.count != count) limit.count = count, ++limit.counts_asked;
      change.put(key, limit);
      if (request_.set.has_used() && change.accounts(key).empty())
        change.put(told_account(key), Account{.used = request_.set.used(), .counts = limit.counts_asked});
    }
    change.commit();
  }

  Exit remove(const Ledger& ledger, const std::vector<LimitPlace>& places) {
    for (const auto& place : places)
      if (ledger.read().limit(place.key)) remove_natively(place);
    auto change = ledger.change();
    for (std::size_t i = 0; i < places.size(); ++i) {
      if (!change.limit(places[i].key)) fail(no_limit_at(i, places[i].key));
      change.remove(places[i].key);
    }
    change.commit();
    return exit_;
  }

  void count(const Ledger& ledger, const std::vector<LimitPlace>& places) {
    std::vector<LimitKey> keys;
    for (const auto& place : places) keys.push_back(place.key);
    if (request_.all)
      for (const auto& [key, limit] : ledger.read().limits()) keys.push_back(key);
    const auto found = vunify::recount(ledger, keys, guests_.guests);
    for (const auto& why : found.failed) fail(why);
    for (const auto& what : found.off) fail(what, Exit::fatal);
  }

  void tell(const Ledger& ledger, const std::vector<LimitPlace>& places) {
    if (request_.all) return tell_all(all_states(ledger, guests_.guests));
    std::vector<LimitState> states;
    for (std::size_t i = 0; i < places.size(); ++i) {
      const auto& key = places[i].key;
      const auto limit = ledger.read().limit(key);
      if (!limit) {
        fail(no_limit_at(i, key));
        continue;
      }
      states.push_back(state_of(ledger, key, *limit));
      states.back().guest = request_.is_old() ? "" : request_.operands[i];
      states.back().by_kernel = is_held_natively(places[i]);
      if (request_.is_old() && !request_.json)
        print(fmt::format("{} {}\n{}", key.xid, request_.operands[i], to_words(states.back().used, *limit)));
    }
    if (!request_.is_old() || request_.json) tell(states);
  }

  void tell_all(const std::vector<LimitState>& states) const {
    if (states.empty()) complain("nobody has a limit");
    tell(states);
  }

  void tell(std::vector<LimitState> states) const {
    if (states.empty() && !request_.json) return;  // which has been told
    put_mount_points(states);
    print(request_.json ? to_json(states) : to_text(states));
  }

  std::string no_limit_at(std::size_t i, const LimitKey& key) const {
    return fmt::format("{}: xid {} has no limit", printable(request_.operands[i]), key.xid);
  }

  void fail(const std::string& why, Exit exit = Exit::partial) {
    complain(why);
    exit_ = std::max(exit_, exit);
  }

  static constexpr std::uint64_t most_xid = 0xffffffff;
  LimitRequest request_;
  HostGuests guests_;
  Exit exit_ = Exit::done;
};

Exit vdlimit(int argc, char** argv) {
  const auto request = parse_limit_request(argc, argv);
  if (!is_root()) throw Failed(Exit::refused, "limits are root's to see and to set");
  return with_limits([&] { return Command(request).run(); });
}

}  // namespace
}  // namespace vunify

int main(int argc, char** argv) { return vunify::run_tool(argc, argv, vunify::vdlimit); }
