// SPDX-License-Identifier: Apache-2.0
// Programs that look closely, and such that wait for changes: copies, archives, builds, watchers, log rotation.
#include <sys/inotify.h>
#include <sys/stat.h>

#include <csignal>

#include "tests/eventually.h"
#include "tests/fuse/guest_mount.h"

namespace vunify::test {
namespace {

class Programs : public GuestMount {
 protected:
  void share_tree() const {
    for (const auto* name : {"tree/a", "tree/d/b", "tree/d/c"}) share(name, std::string("of ") + name);
    must(shell("cd " + others("tree") +
               " && chmod 4755 a && setfattr -n user.a -v b d/b && touch -h -d @1600000000 d/c"));
    must(shell("cp --preserve=timestamps -T /dev/null " + mine("tree/own") + " && ln " + mine("tree/own") + " " +
               mine("tree/own2")));
  }
  void expect_all_shared() const {
    for (const auto* name : {"tree/a", "tree/d/b", "tree/d/c"}) EXPECT_TRUE(is_shared(name)) << name;
  }
  // In the mounted guest; what it prints.
  std::string in_guest(const std::string& script) const {
    const auto finished = shell("set -e; cd " + mine("") + "; " + script);
    EXPECT_EQ(finished.status, 0) << script << "\n" << finished.err;
    return finished.out + finished.err;
  }
};

TEST_P(Programs, CopyATreeAsItIsAndBackWithoutBreakingALink) {
  share_tree();
  mount();
  const auto copy = dir() / "copy";
  EXPECT_EQ(in_guest("rsync -aHX tree/ " + copy + "/"), "");
  EXPECT_EQ(in_guest("rsync -aHXi tree/ " + copy + "/; rsync -aHXi " + copy + "/ tree/"), "");
  EXPECT_EQ(in_guest("cp -a tree " + copy + "2; diff -r tree " + copy + "2"), "");
  EXPECT_EQ(image_of(mine("tree")), image_of(copy + "2"));
  expect_all_shared();
}

TEST_P(Programs, ArchiveATreeWithoutAWordAndUnpackIt) {
  share_tree();
  mount();
  EXPECT_EQ(in_guest("tar -cf " + (dir() / "archive") + " tree; tar -df " + (dir() / "archive")), "");
  expect_all_shared();
  EXPECT_EQ(in_guest("tar -xpf " + (dir() / "archive") + "; tar -df " + (dir() / "archive")), "");
}

TEST_P(Programs, FindOneNameOfEachSharedFile) {
  share_tree();
  mount();
  EXPECT_EQ(in_guest("find tree -type f -links +1 | sort"), "tree/own\ntree/own2\n");
  EXPECT_EQ(in_guest("find tree -printf '%i %p\\n' | sort > by_name; find tree | sort | xargs stat -c '%i %n' | sort | "
                     "diff - by_name"),
            "");
}

TEST_P(Programs, SeeNothingNewInARepositoryWhoseLinksBroke) {
  share_tree();
  mount();
  in_guest("cd tree; git init -q .; git add .; git -c user.name=t -c user.email=t@t commit -q -m first");
  in_guest("ln tree/d/b link; setfattr -n user.c -v d tree/d/c; : >> tree/a");
  EXPECT_EQ(in_guest("cd tree; git status --porcelain"), "");
  for (const auto* name : {"tree/a", "tree/d/b", "tree/d/c"}) EXPECT_FALSE(is_shared(name)) << name;
}

// What make(1) goes by: a break moves no time that the change itself does not move.
TEST_P(Programs, BuildNothingAnewAfterABreak) {
  share("source");
  mount();
  in_guest("touch -d @1700000000 target; ln source link; : >> source; setfattr -n user.a -v b source");
  EXPECT_FALSE(is_shared("source"));
  EXPECT_EQ(in_guest("find source -newer target"), "");
}

TEST_P(Programs, EditInPlace) {
  share("f", "one=1\n");
  mount();
  in_guest("sed -i s/1/2/ f; sed -i.bak s/2/3/ f");
  EXPECT_EQ(read("f"), "one=3\n");
  EXPECT_EQ(read("f.bak"), "one=2\n");
}

// logrotate's copytruncate, under a writer who stays.
TEST_P(Programs, RotateByCopyAndTruncation) {
  share("log", "old\n");
  mount();
  const Fd writer = open_host(mine("log"), O_WRONLY | O_APPEND);
  write_all(writer.get(), "one\n", "log");
  in_guest("cp log log.1; : > log");
  write_all(writer.get(), "two\n", "log");
  EXPECT_EQ(read("log.1"), "old\none\n");
  EXPECT_EQ(read("log"), "two\n");
}

// One started before the first write to a shared file keeps the old bytes (docs/differences.md).
TEST_P(Programs, FollowALogByItsName) {
  share("log", "old\n");
  mount();
  in_guest("echo one >> log");
  write("seen", "");
  in_guest("tail -n +1 -s 0.01 -F log > seen 2> told & echo $! > pid");
  EXPECT_TRUE(eventually([&] { return read("seen") == "old\none\n"; }));
  in_guest("echo two >> log");
  EXPECT_TRUE(eventually([&] { return read("seen") == "old\none\ntwo\n"; }));
  in_guest("mv log log.1; echo three > log");
  EXPECT_TRUE(eventually([&] { return read("seen") == "old\none\ntwo\nthree\n"; }));
  in_guest("kill $(cat pid)");
  EXPECT_TRUE(eventually([&] { return shell("kill -0 " + read("pid")).status != 0; }));
}

class Watcher {
 public:
  Watcher(const std::string& path, std::uint32_t mask)
      : fd_(check(::inotify_init1(IN_CLOEXEC | IN_NONBLOCK), "inotify")) {
    check(::inotify_add_watch(fd_.get(), path.c_str(), mask), "inotify_add_watch", path);
  }
  std::uint32_t told() const {
    alignas(inotify_event) char room[4096];
    std::uint32_t mask = 0;
    for (ssize_t size; (size = ::read(fd_.get(), room, sizeof room)) > 0;)
      for (char* at = room; at < room + size; at += sizeof(inotify_event) + reinterpret_cast<inotify_event*>(at)->len)
        mask |= reinterpret_cast<inotify_event*>(at)->mask;
    return mask;
  }

 private:
  Fd fd_;
};

TEST_P(Programs, AreToldOfWhatIsWrittenAcrossABreak) {
  share("d/f");
  mount();
  constexpr std::uint32_t all = IN_MODIFY | IN_CLOSE_WRITE | IN_CREATE | IN_DELETE | IN_MOVE | IN_DELETE_SELF;
  const Watcher file(mine("d/f"), all), directory(mine("d"), all);
  write_all(open_host(mine("d/f"), O_WRONLY | O_APPEND).get(), "x", "f");
  EXPECT_FALSE(is_shared("d/f"));
  EXPECT_EQ(file.told(), IN_MODIFY | IN_CLOSE_WRITE);
  EXPECT_EQ(directory.told(), IN_MODIFY | IN_CLOSE_WRITE);
}

TEST_P(Programs, AreToldByTheDirectoryWhereTheFileIsRead) {
  share("d/f");
  mount();
  const Fd reader = open_host(mine("d/f"), O_RDONLY);
  const Watcher directory(mine("d"), IN_MODIFY | IN_CLOSE_WRITE);
  write_all(open_host(mine("d/f"), O_WRONLY | O_APPEND).get(), "x", "f");
  EXPECT_EQ(directory.told(), IN_MODIFY | IN_CLOSE_WRITE);
}

INSTANTIATE_TEST_SUITE_P(BothWays, Programs, everywhere, name_of_each);

}  // namespace
}  // namespace vunify::test
