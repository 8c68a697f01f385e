// SPDX-License-Identifier: Apache-2.0
#include "tools/limit_request.h"

#include <algorithm>
#include <stdexcept>

#include "tools/cli.h"
#include "tools/named_guest.h"

namespace vunify {
namespace {

[[noreturn]] void reject_request(const std::string& reason) {
  throw Failed(Exit::usage, reason + " (see vdlimit --help)");
}

void check(const LimitRequest& request) {
  if (request.remove && request.changes()) reject_request("--remove and --set exclude each other");
  if (request.all && (request.changes() || request.remove))
    reject_request("--all sets what is configured, and nothing else");
  if (request.anew && !request.all) reject_request("--begin-anew forgets the limits of all guests: it wants --all");
  if (request.native && (!request.changes() || request.is_old())) reject_request("--native wants --set, and guests");
  if (request.native && request.count == "logical")
    reject_request("--native counts what is the guest's own: not --count=logical");
  if (request.advisory && !request.native) reject_request("--advisory says what to do where --native cannot be");
  const auto& words = request.operands;
  if (request.all && !words.empty()) reject_request(words.front() + ": --all is of all guests, and takes none");
  if (!request.all && words.empty()) reject_request("no guest given, nor --xid and a mount point, nor --all");
  const auto guest = std::ranges::find_if_not(words, is_directory_word);
  if (request.is_old() && guest != words.end())
    reject_request(*guest + ": --xid wants a mount point, which has a slash: /vservers or ./here");
  if (!request.is_old() && std::ranges::any_of(words, is_directory_word)) reject_request("a mount point wants --xid");
}

}  // namespace

LimitRequest parse_limit_request(int argc, char** argv) {
  LimitRequest request;
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
  line.flag("--native", request.native, "have the kernel hold the guest to it, too (project quota of ext4 and XFS)");
  line.flag("--advisory", request.advisory, "with --native: where the kernel cannot, set the ledger's limit alone");
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
    reject_request(wrong.what());
  }
  check(request);
  return request;
}

}  // namespace vunify
