// SPDX-License-Identifier: Apache-2.0
// Guests that swap files, and the directories above them, for what leads out of their root or blocks whoever opens it.
// Nothing outside is touched, nothing blocks, and each name is what its guest made it.
#include <fcntl.h>
#include <gtest/gtest.h>
#include <sys/stat.h>
#include <sys/sysmacros.h>
#include <unistd.h>

#include <memory>

#include "tests/race.h"

namespace vunify::test {
namespace {

constexpr unsigned swapped_files = 12;

std::string swapped_leaf(unsigned k) { return "s" + std::to_string(k); }
std::string swapped_text(unsigned k) { return std::string(5000, static_cast<char>('a' + k)); }

// In the guest: /d/s0 and so on. outside: a directory of the host, as the host names it.
class Swapper : public Racer {
 public:
  explicit Swapper(std::string outside) : outside_(std::move(outside)) {}

  void act() override {
    if (below(8) == 0) return swap_parent();
    const auto path = "/d/" + swapped_leaf(below(swapped_files));
    if (refused(::rename(path.c_str(), "/away") != 0, "rename")) return;
    const auto kind = put_another(path);
    expect(path, kind);
    ::usleep(below(2000));
    expect(path, kind);
    if (kind == S_IFDIR ? ::rmdir(path.c_str()) != 0 : ::unlink(path.c_str()) != 0) throw_errno("remove", path);
    move_back(path);
    expect(path, S_IFREG);
    ++course().done;
  }

  void finish() override {
    for (unsigned k = 0; k < swapped_files; ++k) expect("/d/" + swapped_leaf(k), S_IFREG);
  }

 private:
  // What was moved away may be a keeper, and protected by now: until vunify -R.
  static void move_back(const std::string& path) {
    while (::rename("/away", path.c_str()) != 0) {
      if (errno != EPERM) throw_errno("rename back", path);
      ::usleep(500);
    }
  }

  mode_t put_another(const std::string& path) {
    const auto leads_out = [&](const std::string& target) {
      check(::symlink(target.c_str(), path.c_str()), "symlink", path);
      return mode_t{S_IFLNK};
    };
    const auto node = [&](mode_t kind, dev_t dev) {
      check(::mknod(path.c_str(), kind | 0644, dev), "mknod", path);
      return kind;
    };
    switch (below(6)) {
      case 0:
        return leads_out(outside_ + path.substr(2));
      case 1:
        return leads_out("/etc/passwd");
      case 2:
        return leads_out("../../b/" + path);
      case 3:
        return node(S_IFIFO, 0);
      case 4:
        return node(S_IFCHR, makedev(1, 3));
      default:
        check(::mkdir(path.c_str(), 0755), "mkdir", path);
        return S_IFDIR;
    }
  }

  void swap_parent() {
    if (refused(::rename("/d", "/d.away") != 0, "rename")) return;
    check(::symlink((below(2) == 0 ? outside_ : "../outside").c_str(), "/d"), "symlink");
    ::usleep(below(3000));
    expect("/d", S_IFLNK);
    check(::unlink("/d"), "unlink", "/d");
    check(::rename("/d.away", "/d"), "rename back", "/d");
    ++course().done;
  }

  // For the moment of an exchange a name may lead to the file that vunify knew it by: then it is put back.
  void expect(const std::string& path, mode_t kind) const {
    struct stat st {};
    if (in_time([&] { return ::lstat(path.c_str(), &st) == 0 && (st.st_mode & S_IFMT) == kind; })) return;
    complain(path + " is of kind " + std::to_string(st.st_mode & S_IFMT) + ", not " + std::to_string(kind));
  }

  std::string outside_;
};

void fill_swapped(const std::string& root) {
  check(::mkdir((root + "/d").c_str(), 0755), "mkdir");
  for (unsigned k = 0; k < swapped_files; ++k) make_common(root + "/d/" + swapped_leaf(k), swapped_text(k));
}

// Where nobody races: a directory of the host with the same files, and the third guest.
class Bystanders {
 public:
  explicit Bystanders(const Race& race) : outside_(race.fs / "outside"), guest_(race.guests[2]) {
    check(::mkdir(outside_.c_str(), 0755), "mkdir");
    for (unsigned k = 0; k < swapped_files; ++k) make_common(outside_ + "/" + swapped_leaf(k), swapped_text(k));
    outside_before_ = image_of(outside_);
    guest_before_ = image_of(guest_);
  }

  void expect_untouched() const {
    EXPECT_EQ(image_of(outside_), outside_before_);
    EXPECT_EQ(image_of(guest_), guest_before_);
    struct stat st {};
    for (unsigned k = 0; k < swapped_files; ++k) {
      ASSERT_EQ(::stat((outside_ + "/" + swapped_leaf(k)).c_str(), &st), 0);
      EXPECT_EQ(st.st_nlink, 1u) << "a guest shares what is not in its root";
    }
  }

 private:
  std::string outside_, guest_;
  std::map<std::string, std::string> outside_before_, guest_before_;
};

TEST(SwapRace, LeadsNowhereAndChangesNothing) {
  Races races({"a", "b", "c"}, fill_swapped);
  if (!races.reason().empty()) GTEST_SKIP() << races.reason();
  std::vector<Bystanders> bystanders;
  for (const auto& race : races.each()) bystanders.emplace_back(*race);
  for (const auto& race : races.each())
    for (const auto& guest : {race->guests[0], race->guests[1]})
      race->racers.start(guest, [&] { return std::make_unique<Swapper>(race->fs / "outside"); });
  races.run(race_time() / 3);
  for (const auto& each : bystanders) each.expect_untouched();
}

}  // namespace
}  // namespace vunify::test
