// SPDX-License-Identifier: Apache-2.0
// kill -9 of the daemon before every single change of a file that its breaks take, and the power cut at that moment:
// each name leads to what it led to or to what it was to lead to, whole; the other guest notices nothing; the next
// mount finds staging as it is to be, and goes on.
#include <sys/mount.h>

#include <algorithm>

#include "tests/crash_points.h"
#include "tests/eventually.h"
#include "tests/fuse/guest_mount.h"

namespace vunify::test {
namespace {

using Contents = std::vector<std::string>;

// Nothing that was never written could be taken for it.
std::string old_content() {
  std::string text;
  while (text.size() < 150'000) text += "shared " + std::to_string(text.size()) + "\n";
  return text;
}

// What a guest does, in a directory of shared files, and what each name may lead to while it does that.
constexpr auto work =
    "printf more >> append && printf new > empty && chmod 600 mode && truncate -s 5 cut && "
    "ln linked link && mv over moved && setfattr -n user.a -v b attribute";

// After a power cut ext4 has the new size of what nobody synced, and zeros: so it is natively.
std::map<std::string, Contents> allowed() {
  const auto old = old_content(), unsynced = old + std::string(4, '\0');
  return {{"append", {old, old + "more", unsynced}},
          {"empty", {old, "", "new"}},
          {"mode", {old}},
          {"cut", {old, "share"}},
          {"linked", {old}},
          {"moved", {old}},
          {"attribute", {old}}};
}

class CrashVcow : public GuestMount {
 protected:
  std::string fault(const std::string& path, const Contents& contents) const {
    if (!dir().exists("guest/" + path)) return path + " is gone\n";
    const auto found = read(path);
    if (std::ranges::find(contents, found) != contents.end()) return {};
    return path + " has " + std::to_string(found.size()) + " bytes, '" + found.substr(0, 20) + "...'\n";
  }
  std::string faults(const std::string& in) const {
    std::string text;
    for (const auto& [name, contents] : allowed()) text += fault(in + name, contents);
    for (const auto* name : {"link", "over"})
      if (dir().exists("guest/" + in + name)) text += fault(in + name, {old_content()});
    return text;
  }
  Finished work_until(int step, const std::string& in) const;
  void expect_as_before_or_after(const std::string& in);
  // ended: called when the daemon is dead and its mount is gone.
  template <typename Ended>
  Finished die_before(int step, const Ended& ended);
};

// The daemon's own calls before it is mounted are among the steps.
Finished CrashVcow::work_until(int step, const std::string& in) const {
  const std::string options = GetParam() == std::string("nopassthrough") ? GetParam() : "rw";
  if (run_until({step, 0, {}}, {"vcow", "mount", "-o", options, mine("")}).status != 0) return {killed, {}, {}};
  auto done = shell("cd " + mine(in) + " && " + work);
  return daemon_of(mine("")) == 0 ? Finished{killed, {}, {}} : done;
}

void CrashVcow::expect_as_before_or_after(const std::string& in) {
  EXPECT_EQ(faults(in), "");
  mount();
  EXPECT_EQ(faults(in), "");
  for (const auto& staging : dir().names(".vcow-breaks"))
    EXPECT_TRUE(dir().names(".vcow-breaks/" + staging).empty()) << "not swept";
  for (const auto& name : dir().names("guest/" + in)) must(shell("printf x >> " + mine(in + name)));
  unmount();
}

template <typename Ended>
Finished CrashVcow::die_before(int step, const Ended& ended) {
  const auto in = std::to_string(step) + "/";
  for (const auto* name : {"append", "empty", "mode", "cut", "linked", "moved", "over", "attribute"})
    share(in + name, old_content());
  sync_filesystem(open_host(filesystem().root(), O_RDONLY | O_DIRECTORY).get(), "");
  const auto others_before = image_of(others(""));
  auto finished = work_until(step, in);
  ::umount2(mine("").c_str(), MNT_DETACH);
  EXPECT_TRUE(eventually([&] { return daemon_of(mine("")) == 0; }));
  ended();
  EXPECT_EQ(image_of(others("")), others_before);
  expect_as_before_or_after(in);
  EXPECT_EQ(image_of(others("")), others_before);
  return finished;
}

TEST_P(CrashVcow, BeforeAnyStepOfABreakDamagesNothing) {
  sweep(1, 1, 60, [&](int step) { return die_before(step, [] {}); });
}

INSTANTIATE_TEST_SUITE_P(, CrashVcow, everywhere, name_of_each);

class PowerCutVcow : public CrashVcow {
 protected:
  // Somebody else's fsync brings to the disk whatever the filesystem has committed with it.
  void commit() const {
    const Fd file = open_host(dir() / "commits", O_WRONLY | O_CREAT);
    write_all(file.get(), "x", "");
    check(::fsync(file.get()), "fsync");
  }
  void cut() { filesystem().power_cut(); }
};

TEST_P(PowerCutVcow, InABreakLosesNothing) {
  sweep(2, 3, 60, [&](int step) { return die_before(step, [&] { cut(); }); });
}

TEST_P(PowerCutVcow, InABreakThatIsCommittedLosesNothing) {
  sweep(3, 3, 60, [&](int step) {
    return die_before(step, [&] {
      commit();
      cut();
    });
  });
}

INSTANTIATE_TEST_SUITE_P(, PowerCutVcow, testing::Values("passthrough", "xfs", "btrfs"), name_of_each);

}  // namespace
}  // namespace vunify::test
