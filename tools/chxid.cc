// SPDX-License-Identifier: Apache-2.0
// chxid: gives files the tag of a guest, with util-vserver's options (chxid(8)).
#include <algorithm>

#include "sys/inode_attr.h"
#include "sys/process.h"
#include "tools/cli.h"
#include "tools/found_tag.h"
#include "tools/linked_inodes.h"
#include "tools/numbers.h"
#include "tools/operand.h"
#include "tools/text.h"

namespace vunify {
namespace {

struct RetagOptions {
  std::string context;
  bool recurse = false, one_filesystem = false, quiet_shared = false, force = false, repair = false;
  std::string config = "/etc/vservers", state_dir = "/var/lib/vunify";
  std::vector<std::string> paths;
};

RetagOptions parse(int argc, char** argv) {
  RetagOptions options;
  CommandLine line("-c CONTEXT [-RxU] FILE... | --repair [-Rx] DIR...",
                   "Gives files the tag of a guest: its number, as project id (ext4 -O project, XFS).");
  line.option("-c", "CONTEXT", into(options.context), "a number, a guest's name, :NAME, or self");
  line.flag("-R", options.recurse, "recurse into directories");
  line.flag("-x", options.one_filesystem, "stay on the filesystem of each FILE");
  line.flag("-U", options.quiet_shared, "do not tell how many shared inodes were passed over");
  line.flag("--force", options.force, "also an inode that several guests have names of, if it is not shared");
  line.flag("--repair", options.repair, "set no tag; have directories not pass theirs on (chattr -P)");
  line.option("--config", "DIR", directory_into(options.config),
              "where guests are configured (default: /etc/vservers)");
  line.option("--state", "DIR", path_into(options.state_dir), "where guests' numbers are (default: /var/lib/vunify)");
  line.operands("FILE", options.paths, "files and directories");
  line.exits({Exit::done, Exit::partial, Exit::usage, Exit::refused, Exit::fatal});
  line.parse(argc, argv);
  if (options.paths.empty()) throw Failed(Exit::usage, "no file given; see chxid --help");
  if (options.context.empty() == !options.repair)
    throw Failed(Exit::usage, "either -c or --repair is wanted; see chxid --help");
  return options;
}

bool is_unsupported(const std::system_error& error) {
  return is_error(error, EOPNOTSUPP) || is_error(error, ENOTTY) || is_error(error, EINVAL);
}

class Retagging {
 public:
  Retagging(const RetagOptions& options, const HostGuests& host, std::uint32_t xid)
      : options_(options), host_(host), xid_(xid) {}

  Exit run() {
    open_operands();
    if (!options_.repair && !options_.force) look_for_links();
    for_each([this](const Found& found, const std::string&) { options_.repair ? repair(found) : change(found); });
    tell_passed_over();
    return exit_;
  }

 private:
  void open_operands() {
    for (const auto& path : options_.paths) {
      try {
        operands_.push_back(open_operand(path, host_));
      } catch (const std::system_error& error) {
        fail(path, error.code().message());
      }
    }
  }

  void for_each(const std::function<void(const Found&, const std::string& path)>& visit) {
    for (const auto& operand : operands_) {
      const auto device = stat_fd(operand.fd.get()).dev;
      TreeWalk walk{options_.recurse ? Depth::everything : Depth::itself, true, options_.one_filesystem, {}, {}};
      walk.visit = [&](const Found& found) {
        try {
          visit(found, operand.path_of(found));
        } catch (const std::system_error& error) {
          if (!is_unsupported(error)) throw;
          const auto reason = printable(found.path) + ": this filesystem keeps no tags; the place decides";
          if (found.inode.dev == device) throw Failed(Exit::refused, reason);
          complain(reason);
          exit_ = Exit::partial;
        }
      };
      walk.failed = [&](const auto& path, const auto& error) { fail(path, error.code().message()); };
      visit_held(operand.named, operand.fd.get(), walk);
    }
  }

  // Before anything is changed.
  void look_for_links() {
    for_each([this](const Found& found, const std::string& path) {
      if (!found.inode.is_directory() && found.inode.nlink > 1 && !is_shared(found))
        linked_.add(found.inode, path, guest_at(path, host_));
    });
    linked_.find_others(host_);
  }

  static void repair(const Found& found) {
    if (found.inode.is_directory()) end_project_inheritance(open_found(found).get());
  }

  void change(const Found& found) {
    if (is_shared(found)) return pass_over_shared(found);
    if (const auto names = linked_.names_of_two(found.inode))
      return fail(found.path, "two guests have it, as " + printable(names->first) + " and " + printable(names->second) +
                                  ": part them (vunify -R), or --force");
    if (!set_tag(found, xid_)) ++unopened_;
  }

  // It is nobody's.
  void pass_over_shared(const Found& found) {
    ++shared_;
    if (options_.force) fail(found.path, "is shared: to give it to one guest, part them (vunify -R)");
  }

  void tell_passed_over() const {
    if (shared_ > 0 && !options_.quiet_shared && !options_.force)
      complain(std::to_string(shared_) + " shared inodes passed over: they are nobody's");
    if (unopened_ > 0)
      complain(std::to_string(unopened_) +
               " symlinks, devices, FIFOs or sockets passed over: only Linux 6.17 and later can tag them");
  }

  void fail(const std::string& path, const std::string& reason) {
    complain(printable(path) + ": " + reason);
    exit_ = Exit::partial;
  }

  const RetagOptions& options_;
  const HostGuests& host_;
  std::uint32_t xid_;
  std::vector<Operand> operands_;
  LinkedInodes linked_;
  std::uint64_t shared_ = 0, unopened_ = 0;
  Exit exit_ = Exit::done;
};

Exit chxid(int argc, char** argv) {
  const auto options = parse(argc, argv);
  if (!is_root()) throw Failed(Exit::refused, "only root may set tags");
  const auto host = find_numbered_guests(options.config, options.state_dir);
  return Retagging(options, host, options.repair ? 0 : xid_of(options.context, host)).run();
}

}  // namespace
}  // namespace vunify

int main(int argc, char** argv) { return vunify::run_tool(argc, argv, vunify::chxid); }
