// SPDX-License-Identifier: Apache-2.0
// vdlimit: what each guest may use of a filesystem. util-vserver's form names an xid and a mount point, ours a guest.
// All is read and checked before anything is set, and set in one transaction: wholly, or not at all.
#include <fmt/format.h>

#include <algorithm>

#include "guest/adopted.h"
#include "host/config_file.h"
#include "host/dlimits.h"
#include "host/xids.h"
#include "sys/process.h"
#include "tools/choose.h"
#include "tools/limit_state.h"
#include "tools/limit_words.h"
#include "tools/limits.h"
#include "tools/named_guest.h"
#include "tools/recount.h"
#include "tools/text.h"

namespace vunify {
namespace {

struct Request {
  std::string xid, flags, count;
  WantedWords set;
  bool remove = false, all = false, recount = false, json = false, anew = false;
  std::vector<std::string> operands;
  Options host;

  bool is_old() const { return !xid.empty(); }
  bool changes() const { return !set.empty() || !count.empty(); }
};

[[noreturn]] void reject(const std::string& reason) { throw Failed(Exit::usage, reason + " (see vdlimit --help)"); }

void check(const Request& request) {
  if (request.remove && request.changes()) reject("--remove and --set exclude each other");
  if (request.all && (request.changes() || request.remove)) reject("--all sets what is configured, and nothing else");
  if (request.all != request.operands.empty()) reject("a mount point, a guest, or --all");
  const auto& words = request.operands;
  if (request.is_old() && !std::ranges::all_of(words, is_directory_word)) reject("--xid wants mount points: /vservers");
  if (!request.is_old() && std::ranges::any_of(words, is_directory_word)) reject("a mount point wants --xid");
}

Request parse(int argc, char** argv) {
  Request request;
  CommandLine line("[options] (--xid XID MOUNTPOINT... | GUEST... | --all)",
                   "Tells and sets what guests may use of a filesystem; see vdlimit(8).");
  line.option("-x,--xid", "XID", into(request.xid), "whose: a number, or a guest's name");
  line.option(
      "-s,--set", "LIMIT=N[,LIMIT=N]", [&](const std::string& given) { request.set.take(given); },
      "space_total and space_used in KiB, inodes_total, inodes_used, reserved in percent; -1: no limit");
  line.flag("-d,--remove", request.remove, "set no limit any more");
  line.option("-f,--flags", "N", into(request.flags), "taken and ignored, as ever");
  line.option("--count", "HOW", choice_into(request.count, {"exclusive", "logical"}),
              "exclusive: what is shared counts for nobody; logical: every file counts whole");
  line.flag("--all", request.all, "set what dlimits/ of all guests say, and tell all limits");
  line.flag("--recount", request.recount, "count what is used, while guests write");
  line.flag("--begin-anew", request.anew, "with --all: put a damaged ledger aside first, and count");
  line.flag("--json", request.json, "as one JSON object");
  line.option("--config", "DIR", into(request.host.config), "where guests are (default: /etc/vservers)");
  line.option("--state", "DIR", into(request.host.state_dir), "where the ledger is (default: /var/lib/vunify)");
  line.operands("GUEST|MOUNTPOINT", request.operands, "a guest's name; with --xid any directory of the filesystem");
  line.exits({Exit::done, Exit::partial, Exit::usage, Exit::refused, Exit::fatal});
  line.parse(argc, argv);
  try {
    request.set.check();
  } catch (const std::invalid_argument& wrong) {
    reject(wrong.what());
  }
  check(request);
  return request;
}

class Command {
 public:
  explicit Command(Request request) : request_(std::move(request)) {}

  Exit run() {
    find_guests();
    const auto wanted = request_.all ? configured() : WantedLimits();
    const auto keys = asked_keys();
    if (request_.anew) put_ledger_aside(request_.host.state_dir);
    const auto ledger = open_ledger(request_.host.state_dir);
    set_limits(ledger, wanted);
    if (request_.remove) return remove(ledger, keys);
    if (request_.changes()) set(ledger, keys);
    if (request_.recount || request_.anew) count(ledger, keys);
    if (request_.set.empty() || request_.json) tell(ledger, keys);
    return exit_;
  }

 private:
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
      const auto limits = limits_of(guest);
      all.insert(all.end(), limits.begin(), limits.end());
    }
    return all;
  }

  std::uint32_t xid_of(const std::string& word) const {
    const auto number = parse_limit(word, most_xid);
    if (number && !number->is_infinite) return static_cast<std::uint32_t>(number->number);
    const auto& guest = find_named(word.starts_with(':') ? word.substr(1) : word, guests_);
    if (!guest.xid) throw Failed(Exit::usage, printable(word) + ": has no xid; vunify gives it one");
    return *guest.xid;
  }

  std::vector<LimitKey> asked_keys() const {
    std::vector<LimitKey> keys;
    for (const auto& word : request_.operands)
      keys.push_back(request_.is_old() ? limit_key(word, xid_of(request_.xid)) : key_of_guest(word));
    return keys;
  }

  LimitKey key_of_guest(const std::string& word) const {
    const auto place = find_guest(find_named(word, guests_).root, read_mounts());
    const bool is_covered = place.is_mounted && !place.is_adopted();
    return is_covered ? key_of_covered(place.path, xid_of(word)) : limit_key(place.root, xid_of(word));
  }

  // What a vcow is mounted over tells no filesystem: what the ledger has of the guest does, or what lies above it.
  LimitKey key_of_covered(const std::string& path, std::uint32_t xid) const {
    for (const auto& [key, limit] : open_ledger(request_.host.state_dir).read().limits())
      if (key.xid == xid) return key;
    return limit_key(path + "/..", xid);
  }

  // A limit that is not there begins with nothing limited.
  void set(const Ledger& ledger, const std::vector<LimitKey>& keys) const {
    auto change = ledger.change();
    for (const auto& key : keys) {
      auto limit = request_.set.on(change.limit(key).value_or(Limit{}));
      const auto count = request_.count == "logical" ? Count::logical : Count::exclusive;
      if (!request_.count.empty() && limit.count != count) limit.count = count, ++limit.counts_asked;
      change.put(key, limit);
      if (request_.set.has_used() && change.accounts(key).empty())
        change.put(told_account(key), Account{.used = request_.set.used(), .counts = limit.counts_asked});
    }
    change.commit();
  }

  Exit remove(const Ledger& ledger, const std::vector<LimitKey>& keys) {
    auto change = ledger.change();
    for (std::size_t i = 0; i < keys.size(); ++i) {
      if (!change.limit(keys[i])) fail(no_limit_at(i, keys[i]));
      change.remove(keys[i]);
    }
    change.commit();
    return exit_;
  }

  void count(const Ledger& ledger, std::vector<LimitKey> keys) {
    if (request_.all)
      for (const auto& [key, limit] : ledger.read().limits()) keys.push_back(key);
    for (const auto& why : vunify::recount(ledger, keys, guests_.guests)) fail(why);
  }

  void tell(const Ledger& ledger, const std::vector<LimitKey>& keys) {
    if (request_.all) return tell(all_states(ledger, guests_.guests));
    std::vector<LimitState> states;
    for (std::size_t i = 0; i < keys.size(); ++i) {
      const auto limit = ledger.read().limit(keys[i]);
      if (!limit) {
        fail(no_limit_at(i, keys[i]));
        continue;
      }
      states.push_back(state_of(ledger, keys[i], *limit));
      states.back().guest = request_.is_old() ? "" : request_.operands[i];
      if (request_.is_old() && !request_.json)
        print(fmt::format("{} {}\n{}", keys[i].xid, request_.operands[i], to_words(states.back().used, *limit)));
    }
    if (!request_.is_old() || request_.json) tell(states);
  }

  void tell(const std::vector<LimitState>& states) const { print(request_.json ? to_json(states) : to_text(states)); }

  std::string no_limit_at(std::size_t i, const LimitKey& key) const {
    return fmt::format("{}: xid {} has no limit", printable(request_.operands[i]), key.xid);
  }

  void fail(const std::string& why) {
    complain(why);
    exit_ = Exit::partial;
  }

  static constexpr std::uint64_t most_xid = 0xffffffff;
  Request request_;
  HostGuests guests_;
  Exit exit_ = Exit::done;
};

Exit vdlimit(int argc, char** argv) {
  const auto request = parse(argc, argv);
  if (!is_root()) throw Failed(Exit::refused, "limits are root's to see and to set");
  try {
    return Command(request).run();
  } catch (const Misconfigured& wrong) {
    throw Failed(Exit::usage, printable(place_of(wrong.mistake)) + ": " + one_line(wrong.mistake.reason));
  } catch (const std::system_error& error) {
    throw Failed(is_error(error, ENOENT) || is_error(error, ENOTDIR) ? Exit::usage : Exit::fatal,
                 printable(error.what()));
  } catch (const Damaged& damaged) {
    throw Failed(Exit::fatal, printable(damaged.what()));
  }
}

}  // namespace
}  // namespace vunify

int main(int argc, char** argv) { return vunify::run_tool(argc, argv, vunify::vdlimit); }
