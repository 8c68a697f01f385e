// SPDX-License-Identifier: Apache-2.0
#include "clone/clone_guest.h"

#include "change/choose_protection.h"
#include "change/half_clones.h"
#include "change/leaf_names.h"
#include "clone/new_place.h"
#include "clone/still_source.h"
#include "sys/at.h"
#include "sys/clone.h"
#include "sys/directory.h"

namespace vunify {
namespace {

constexpr auto tree_leaf = "new";  // in the clone's directory in staging

// Its directory in staging, which goes with all that is in it when this does.
class HalfClone {
 public:
  HalfClone(const Staging& staging, const std::string& state_dir)
      : staging_(staging), state_dir_(state_dir), leaf_(LeafNames("clone").next()) {
    clear();
    make_private_directory(staging.fd(), leaf_);
    dir_ = open_directory_at(staging.fd(), leaf_, staging.path());
    make_directory_at({dir_.get(), tree_leaf}, 0755);
  }
  ~HalfClone() {
    try {
      clear();
    } catch (const std::exception&) {  // the next run does it
    }
  }
  HalfClone(const HalfClone&) = delete;

  int dir() const { return dir_.get(); }
  std::string path() const { return staging_.path() + "/" + leaf_ + "/" + tree_leaf; }

 private:
  void clear() const {
    Recovery of_no_concern;
    clear_half_clones(staging_, state_dir_, of_no_concern);
  }

  const Staging& staging_;
  const std::string& state_dir_;
  std::string leaf_;
  Fd dir_;
};

class GuestClone {
 public:
  GuestClone(const CloneRequest& request, const std::function<bool()>& stop)
      : request_(request),
        guest_(*request.guest),
        stop_(stop),
        place_(request.path, guest_),
        source_(guest_, request.runs, !request.dry_run),
        has_reflink_(vunify::has_reflink(place_.above())),
        plan_{.guest = &guest_, .exclude = request.exclude, .conffiles = request.conffiles} {}

  std::optional<Refusal> run(Cloned& cloned) {
    const auto reason = source_.why_not();
    is_running_ = !reason.empty();
    if (is_running_ && !has_reflink_) return refuse_running(reason);
    if (request_.dry_run) return plan(place_.above(), guess_protection, cloned);
    const auto staging = place_.make_staging();
    if (auto refusal = plan(staging->fd(), choose_protection, cloned)) return refusal;
    return build(*staging, cloned);
  }

 private:
  std::optional<Refusal> refuse_running(const std::string& reason) const {
    return refusal(guest_.path(), reason + ": stop it first, for " + guest_.mount.type + " has no reflinks");
  }

  // What the wanted protection comes to, in dir; in a dry run also what would be done.
  std::optional<Refusal> plan(int dir, Protection (*find)(int, std::optional<Protection>), Cloned& cloned) {
    const auto wanted = request_.protect;
    const bool by_vcow = guest_.is_adopted() && wanted.value_or(Protection::cow) == Protection::cow;
    const auto protection = by_vcow ? Protection::cow : find(dir, wanted);
    if (wanted && protection == Protection::none)
      return refusal(guest_.path(), what_would_help(guest_.mount.type, wanted));
    plan_.may_link = request_.may_link && !guest_.is_mounted && stat_fd(dir).dev == stat_fd(guest_.root.fd()).dev;
    plan_.protection = is_running_ ? Protection::none : protection;
    if (request_.dry_run) cloned = clone_tree(plan_, nullptr, stop_);
    return std::nullopt;
  }

  std::optional<Refusal> build(const Staging& staging, Cloned& cloned) {
    const HalfClone half(staging, request_.state_dir);
    NameAdder adder(request_.state_dir, staging.fd(), staging.path());
    const RootDir tree(tree_in(half));
    // A page that a running guest still writes to is written to where its file lies, but for btrfs.
    const CloneGround ground{&tree, &adder, is_running_ && guest_.mount.type != "btrfs"};
    cloned = clone_tree(plan_, &ground, stop_);
    if (request_.furnish) request_.furnish(open_directory_at(half.dir(), tree_leaf, half.path()).get());
    sync_filesystem(staging.fd(), staging.path());
    adder.end();
    const auto reason = source_.why_not();
    if (!reason.empty() && !has_reflink_) return refuse_running(reason);
    if (stop_()) throw std::system_error(EINTR, std::generic_category(), request_.path);
    if (place_.put(half.dir(), tree_leaf)) return std::nullopt;
    return refusal(request_.path, "is there already: somebody made it meanwhile");
  }

  std::string tree_in(const HalfClone& half) const {
    if (request_.inside.empty()) return half.path();
    const Fd above = open_directory_at(half.dir(), tree_leaf, half.path());
    make_directory_at({above.get(), request_.inside.c_str()}, 0755);
    return half.path() + "/" + request_.inside;
  }

  const CloneRequest& request_;
  const Guest& guest_;
  const std::function<bool()>& stop_;
  NewPlace place_;
  StillSource source_;
  bool has_reflink_;
  bool is_running_ = false;
  ClonePlan plan_;
};

}  // namespace

std::optional<Refusal> clone_guest(const CloneRequest& request, const std::function<bool()>& stop, Cloned& cloned) {
  if (auto refusal = expect_new(request.path, *request.guest)) return refusal;
  return GuestClone(request, stop).run(cloned);
}

}  // namespace vunify
