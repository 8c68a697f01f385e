// SPDX-License-Identifier: Apache-2.0
// Metadata is not guarded by a lease: chmod, chown, setxattr and link pass silently. Guests change it on keepers and
// victims while vunify links them and takes them apart; no guest ever shows what another one set.
#include <fcntl.h>
#include <gtest/gtest.h>
#include <sys/stat.h>
#include <sys/xattr.h>
#include <unistd.h>

#include <memory>

#include "tests/race.h"

namespace vunify::test {
namespace {

constexpr unsigned changed_files = 16;
constexpr mode_t common_mode = 0644;

std::string changed_leaf(unsigned k) { return "/m" + std::to_string(k); }
std::string changed_text(unsigned k) { return std::string(6000, static_cast<char>('a' + k)); }

// struct vfs_cap_data, revision 2: one permitted capability, a different one for each guest.
std::string capability(unsigned number) {
  std::string value(20, '\0');
  value[3] = 0x02;
  value[4] = static_cast<char>(1U << number);
  return value;
}

// system.posix_acl_access: rw for the owner, r for one user, the group and others.
std::string acl(unsigned user) {
  std::string value("\x02\0\0\0", 4);
  const auto entry = [&](unsigned tag, unsigned permissions, unsigned id) {
    for (const unsigned part : {tag, permissions, id & 0xffff, id >> 16})
      value += {static_cast<char>(part & 0xff), static_cast<char>(part >> 8)};
  };
  entry(0x01, 6, ~0U);
  entry(0x02, 4, user);
  entry(0x04, 4, ~0U);
  entry(0x10, 4, ~0U);
  entry(0x20, 4, ~0U);
  return value;
}

std::string xattr(const std::string& path, const char* name) {
  char value[256];
  const auto size = ::getxattr(path.c_str(), name, value, sizeof value);
  return size < 0 ? "" : std::string(value, static_cast<std::size_t>(size));
}

// Sets what no other guest sets: its own uid, mode, ACL, capability; and sets it back, so that files agree again.
class Changer : public Racer {
 public:
  explicit Changer(unsigned number) : number_(number) {}

  void act() override {
    const unsigned k = below(changed_files);
    look(k);
    switch (below(6)) {
      case 0:
        count(::chmod(path(k), common_mode | mode_bit()), "chmod");
        break;
      case 1:
        count(::chown(path(k), uid(), uid()), "chown");
        break;
      case 2:
        set(k, "security.capability", capability(number_));
        break;
      case 3:
        set(k, "system.posix_acl_access", acl(uid()));
        break;
      case 4:
        return link(k);
      default:
        return move(k);
    }
    look(k);
    ::usleep(below(1000));
    look(k);
    give_back(k);
    look(k);
  }

  void finish() override {
    for (unsigned k = 0; k < changed_files; ++k) look(k);
  }

 private:
  const char* path(unsigned k) { return (path_ = changed_leaf(k)).c_str(); }
  unsigned uid() const { return 1000 + number_; }
  mode_t mode_bit() const { return number_ == 1 ? S_ISUID : S_ISGID; }

  void count(int result, const char* call) {
    if (!refused(result != 0, call)) ++course().done;
  }

  void set(unsigned k, const char* name, const std::string& value) {
    count(::setxattr(path(k), name, value.data(), value.size(), 0), name);
  }

  void give_back(unsigned k) {
    const int fd = ::open(path(k), O_RDONLY | O_CLOEXEC);
    const Fd file(check(fd, "open", path_));
    refused(::fchown(fd, 0, 0) != 0, "fchown");
    for (const char* name : {"security.capability", "system.posix_acl_access"})
      if (::fremovexattr(fd, name) != 0 && errno != ENODATA) refused(true, name);
    refused(::fchmod(fd, common_mode) != 0, "fchmod");
  }

  // What it made one inode stays one, but where the link was made to a shared inode in the moment in which that is not
  // protected.
  void link(unsigned k) {
    const auto other = changed_leaf(k) + ".link";
    const int result = ::link(path(k), other.c_str());
    if (result != 0 && errno == ENOENT)
      return;  // its inode lost its last name since the kernel looked it up (vfs_link)
    if (refused(result != 0, "link")) return;
    ++course().linked;
    bool together = true;
    for (int i = 0; together && i < 3; ++i, ::usleep(below(2000)))
      together = inode_of(changed_leaf(k)) == inode_of(other);
    if (!together) ++course().parted;
    if (refused(::unlink(other.c_str()) != 0, "unlink")) remove_later(other);
  }

  // Protected before we could remove it again: the next run of vunify -R lets us.
  static void remove_later(const std::string& other) {
    while (::unlink(other.c_str()) != 0) ::usleep(500);
  }

  void move(unsigned k) {
    if (refused(::rename(path(k), "/moved") != 0, "rename")) return;
    ++course().done;
    while (::rename("/moved", path(k)) != 0) ::usleep(100);  // protected meanwhile
  }

  static ino_t inode_of(const std::string& name) {
    struct stat st {};
    check(::stat(name.c_str(), &st), "stat", name);
    return st.st_ino;
  }

  // Until the keeper is protected another guest's change may show; then it is taken back.
  void look(unsigned k) {
    std::string strange;
    if (!in_time([&] { return (strange = another_guests(k)).empty(); }))
      complain(changed_leaf(k) + " shows another guest's " + strange);
  }

  std::string another_guests(unsigned k) {
    struct stat st {};
    check(::stat(path(k), &st), "stat", path_);
    if ((st.st_mode & 07000 & ~mode_bit()) != 0) return "mode";
    if ((st.st_uid != 0 && st.st_uid != uid()) || (st.st_gid != 0 && st.st_gid != uid())) return "owner";
    const auto found_capability = xattr(path_, "security.capability").substr(0, 8);
    if (!found_capability.empty() && found_capability != capability(number_).substr(0, 8)) return "capability";
    const auto found_acl = xattr(path_, "system.posix_acl_access");
    return found_acl.empty() || found_acl == acl(uid()) ? "" : "ACL";
  }

  unsigned number_;
  std::string path_;
};

void fill_changed(const std::string& root) {
  for (unsigned k = 0; k < changed_files; ++k) make_common(root + changed_leaf(k), changed_text(k));
}

TEST(MetadataRace, NoGuestShowsWhatAnotherSet) {
  Races races({"a", "b"}, fill_changed);
  if (!races.reason().empty()) GTEST_SKIP() << races.reason();
  for (const auto& race : races.each()) {
    race->racers.start(race->guests[0], [] { return std::make_unique<Changer>(1); });
    race->racers.start(race->guests[1], [] { return std::make_unique<Changer>(2); });
  }
  races.run(race_time() / 2);
  const auto linked = races.total(&Course::linked), parted = races.total(&Course::parted);
  std::printf("%lu links, %lu parted\n", linked, parted);
  EXPECT_GT(linked, 0U);
  EXPECT_LE(parted * 200, linked);
}

}  // namespace
}  // namespace vunify::test
