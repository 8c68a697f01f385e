// SPDX-License-Identifier: Apache-2.0
// vquota: what users and groups use inside a guest, and may use. Names are the guest's own.
#include <fmt/format.h>

#include <algorithm>
#include <filesystem>

#include "host/config_file.h"
#include "host/xids.h"
#include "sys/process.h"
#include "tools/choose.h"
#include "tools/limits.h"
#include "tools/named_guest.h"
#include "tools/quota.h"
#include "tools/quota_words.h"
#include "tools/recount.h"
#include "tools/text.h"

namespace vunify {
namespace {

struct Request {
  bool users = false, groups = false, remove = false, recount = false, json = false;
  QuotaWords set;
  std::vector<std::string> operands;  // the guest, and names in it
  Options host;

  bool changes() const { return remove || !set.empty(); }
};

[[noreturn]] void reject(const std::string& reason) { throw Failed(Exit::usage, reason + " (see vquota --help)"); }

void check(const Request& request) {
  if (request.operands.empty()) reject("no guest given");
  if (request.remove && !request.set.empty()) reject("--remove and --set exclude each other");
  if (request.users && request.groups && request.operands.size() > 1) reject("names are of users, or of groups");
  if (request.changes() && request.operands.size() == 1) reject("whose limit? A name, or a number");
}

Request parse(int argc, char** argv) {
  Request request;
  CommandLine line("[options] GUEST [NAME...]",
                   "Tells what users and groups use inside a guest, and sets what they may use; see vquota(8).");
  line.flag("-u,--user", request.users, "users; NAMEs are users without it, too");
  line.flag("-g,--group", request.groups, "groups");
  line.option(
      "-s,--set", "LIMIT=N[,LIMIT=N]", [&](const std::string& given) { request.set.take(given); },
      "space (K, M, G, T) and inodes (k, M) that each NAME may use; -1: no limit");
  line.flag("-d,--remove", request.remove, "set each NAME no limit any more");
  line.flag("--recount", request.recount, "count first what the ledger has, while the guest writes");
  line.flag("--json", request.json, "as one JSON object");
  line.option("--config", "DIR", into(request.host.config), "where guests are (default: /etc/vservers)");
  line.option("--state", "DIR", into(request.host.state_dir), "where the ledger is (default: /var/lib/vunify)");
  line.operands("GUEST [NAME...]", request.operands,
                "a guest's name, or with a slash a directory; and users or groups in it, by name or number");
  line.exits({Exit::done, Exit::partial, Exit::usage, Exit::refused, Exit::fatal});
  line.parse(argc, argv);
  check(request);
  return request;
}

class Command {
 public:
  explicit Command(Request request) : request_(std::move(request)) {}

  Exit run() {
    find_guest();
    place_ = vunify::find_guest(guest_.root, read_mounts());
    const RootDir root(place_.is_adopted() ? place_.root : place_.path);
    const IdNames names(root);
    for (const auto& why : names.unread()) complain(printable(why));
    const auto whose = named(names);
    open_ledger_of_guest();
    if (request_.remove) return remove(whose);
    if (!request_.set.empty()) set(whose);
    if (request_.recount) count();
    if (request_.set.empty() || request_.json) tell(names, whose);
    return exit_;
  }

 private:
  void find_guest() {
    const auto& word = request_.operands.front();
    if (is_directory_word(word)) {
      guest_.name = word;
      guest_.root = std::filesystem::absolute(word);
      return;
    }
    all_ = find_host_guests(request_.host);
    show_xids(request_.host.state_dir, all_);
    guest_ = find_named(word, all_);
  }

  bool writes() const { return request_.changes() || request_.recount; }

  // Who only looks makes none.
  void open_ledger_of_guest() {
    if (!guest_.xid && request_.changes())
      throw Failed(Exit::usage, printable(guest_.name) + ": has no xid; vunify gives it one");
    if (!guest_.xid) return;
    if (writes())
      ledger_.reset(new Ledger(open_ledger(request_.host.state_dir)));
    else
      ledger_ = open_to_read(request_.host.state_dir);
    if (!ledger_) return;
    const bool is_covered = place_.is_mounted && !place_.is_adopted();
    key_ = is_covered ? key_of_covered(place_.path, *guest_.xid, *ledger_) : limit_key(place_.root, *guest_.xid);
  }

  std::vector<Whose> named(const IdNames& names) const {
    const auto kind = request_.groups ? Whose::Kind::group : Whose::Kind::user;
    std::vector<Whose> whose;
    for (auto word = request_.operands.begin() + 1; word != request_.operands.end(); ++word) {
      const auto id = parse_id(*word);
      const auto found = id ? std::optional(Whose{kind, *id}) : names.find(kind, *word);
      if (!found)
        throw Failed(Exit::usage, fmt::format("{}: no such {} in {}", printable(*word),
                                              request_.groups ? "group" : "user", printable(guest_.name)));
      whose.push_back(*found);
    }
    return whose;
  }

  static std::optional<Amount> limit_of(const LedgerTransaction& reading, const LimitKey& key, Whose whose) {
    for (const auto& [one, limit] : reading.user_limits(key))
      if (one == whose) return limit;
    return std::nullopt;
  }

  // A limit that is not there begins with nothing limited; so does the guest's, by which vcow knows of them.
  void set(const std::vector<Whose>& whose) const {
    auto change = ledger_->change();
    if (!change.limit(key_)) change.put(key_, Limit{});
    for (const auto one : whose)
      change.put(key_, one, request_.set.on(limit_of(change, key_, one).value_or(Amount{no_limit, no_limit})));
    change.commit();
  }

  // With the last one goes the guest's, where that limits nothing.
  Exit remove(const std::vector<Whose>& whose) {
    auto change = ledger_->change();
    for (std::size_t i = 0; i < whose.size(); ++i) {
      if (!limit_of(change, key_, whose[i])) fail(printable(request_.operands[i + 1]) + ": has no limit");
      change.remove(key_, whose[i]);
    }
    const auto limit = change.limit(key_);
    const bool limits_nothing = limit && limit->total == Limit{}.total && limit->reserved == 0;
    if (limits_nothing && change.user_limits(key_).empty()) change.remove(key_);
    change.commit();
    return exit_;
  }

  void count() {
    const auto found = recount(*ledger_, {key_}, {guest_});
    for (const auto& why : found.failed) fail(why);
    for (const auto& what : found.off) fail(what, Exit::fatal);
  }

  Quotas find_quotas() const {
    auto quotas = ledger_ ? quotas_of_ledger(*ledger_, key_) : std::nullopt;
    if (quotas) return *quotas;
    auto walked = quotas_by_walk(place_);
    walked.xid = guest_.xid;
    if (ledger_) put_limits(walked, ledger_->read().user_limits(key_));
    return walked;
  }

  // Who was named and has nothing is told with that.
  static void keep_only(const std::vector<Whose>& whose, std::vector<Quota>& quotas) {
    std::vector<Quota> kept;
    for (const auto one : whose) {
      const auto found = std::ranges::find(quotas, one, &Quota::whose);
      kept.push_back(found != quotas.end() ? *found : Quota{.whose = one});
    }
    quotas = std::move(kept);
  }

  void tell(const IdNames& names, const std::vector<Whose>& whose) const {
    auto quotas = find_quotas();
    quotas.guest = guest_.name;
    if (!whose.empty()) keep_only(whose, quotas.all);
    for (auto& quota : quotas.all) quota.name = names.name(quota.whose);
    std::vector<Whose::Kind> kinds;
    if (!request_.groups || request_.users) kinds.push_back(Whose::Kind::user);
    const bool names_users = !whose.empty() && !request_.groups;
    if (request_.groups || (!request_.users && !names_users)) kinds.push_back(Whose::Kind::group);
    print(request_.json ? to_json(quotas, kinds) : to_text(quotas, kinds));
  }

  void fail(const std::string& why, Exit exit = Exit::partial) {
    complain(why);
    exit_ = std::max(exit_, exit);
  }

  Request request_;
  HostGuests all_;
  HostGuest guest_;
  GuestPlace place_;
  std::unique_ptr<const Ledger> ledger_;
  LimitKey key_;
  Exit exit_ = Exit::done;
};

Exit vquota(int argc, char** argv) {
  const auto request = parse(argc, argv);
  if (!is_root()) throw Failed(Exit::refused, "what others use is root's to see");
  return with_limits([&] { return Command(request).run(); });
}

}  // namespace
}  // namespace vunify

int main(int argc, char** argv) { return vunify::run_tool(argc, argv, vunify::vquota); }
