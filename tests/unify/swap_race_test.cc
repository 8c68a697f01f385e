// SPDX-License-Identifier: Apache-2.0
// Guests that swap files, and the directories above them, for what leads out of their root or blocks whoever opens it.
// Nothing outside is touched, nothing blocks, and each name is what its guest made it.
#include <fcntl.h>
#include <gmock/gmock.h>
#include <sys/stat.h>
#include <sys/sysmacros.h>
#include <unistd.h>

#include <memory>
#include <thread>

#include "tests/racers.h"
#include "tests/scratch.h"

namespace vunify::test {
namespace {

constexpr unsigned files = 12;
constexpr timespec then{1577836800, 0};

std::string leaf(unsigned k) { return "s" + std::to_string(k); }
std::string common(unsigned k) { return std::string(5000, static_cast<char>('a' + k)); }

void make(const std::string& path, const std::string& text) {
  const Fd fd(check(::open(path.c_str(), O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0644), "open", path));
  write_all(fd.get(), text, path);
  const timespec times[2] = {then, then};
  check(::futimens(fd.get(), times), "futimens");
}

// In the guest: /d/s0 and so on. outside: a directory of the host, as the host names it.
class Swapper : public Racer {
 public:
  explicit Swapper(std::string outside) : outside_(std::move(outside)) {}

  void act() override {
    if (below(8) == 0) return swap_parent();
    const auto path = "/d/" + leaf(below(files));
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
    for (unsigned k = 0; k < files; ++k) expect("/d/" + leaf(k), S_IFREG);
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
    for (int i = 0; i < 500; ++i, ::usleep(1000))
      if (::lstat(path.c_str(), &st) == 0 && (st.st_mode & S_IFMT) == kind) return;
    complain(path + " is of kind " + std::to_string(st.st_mode & S_IFMT) + ", not " + std::to_string(kind));
  }

  std::string outside_;
};

struct Race {
  explicit Race(const std::string& kind) : fs(kind) {
    if (!fs.ok()) return;
    for (const char* guest : {"a", "b", "c"}) {
      guests.push_back(fs / guest);
      check(::mkdir(guests.back().c_str(), 0755), "mkdir");
      check(::mkdir((guests.back() + "/d").c_str(), 0755), "mkdir");
      for (unsigned k = 0; k < files; ++k) make(guests.back() + "/d/" + leaf(k), common(k));
    }
    check(::mkdir((fs / "outside").c_str(), 0755), "mkdir");
    for (unsigned k = 0; k < files; ++k) make(fs / "outside/" + leaf(k), common(k));
    outside = image_of(fs / "outside");
    unraced = image_of(guests[2]);
  }

  bool outside_is_linked() const {
    struct stat st {};
    for (unsigned k = 0; k < files; ++k)
      if (::stat((fs / "outside/" + leaf(k)).c_str(), &st) != 0 || st.st_nlink != 1) return true;
    return false;
  }

  LoopFs fs;
  std::vector<std::string> guests;
  std::map<std::string, std::string> outside, unraced;
  std::string wrong;
  unsigned rounds = 0;
};

TEST(SwapRace, LeadsNowhereAndChangesNothing) {
  std::vector<std::unique_ptr<Race>> races;
  for (const char* kind : {"ext4", "xfs", "btrfs"}) {
    races.push_back(std::make_unique<Race>(kind));
    if (!races.back()->fs.ok()) GTEST_SKIP() << races.back()->fs.reason();
  }
  Racers racers;
  for (const auto& race : races)
    for (const auto& guest : {race->guests[0], race->guests[1]})
      racers.start(guest, [&] { return std::make_unique<Swapper>(race->fs / "outside"); });
  std::vector<std::thread> threads;
  for (auto& race : races)
    threads.emplace_back(
        [&race] { race->wrong = unify_and_back(race->fs.root(), race->guests, race_time() / 3, race->rounds); });
  for (auto& thread : threads) thread.join();
  const auto take_apart = [&] {
    for (const auto& race : races) run_vunify(race->fs.root(), race->guests, "-R");
  };
  EXPECT_THAT(racers.stop(take_apart), testing::IsEmpty());
  for (const auto& race : races) {
    EXPECT_EQ(race->wrong, "");
    EXPECT_GT(race->rounds, 0U);
    EXPECT_EQ(image_of(race->fs / "outside"), race->outside);
    EXPECT_FALSE(race->outside_is_linked());
    EXPECT_EQ(image_of(race->guests[2]), race->unraced);
    std::printf("%u rounds\n", race->rounds);
  }
  EXPECT_GT(racers.course().done, 0U);
  std::printf("%lu changes, %lu refused\n", racers.course().done.load(), racers.course().refused.load());
}

}  // namespace
}  // namespace vunify::test
