// SPDX-License-Identifier: Apache-2.0
#include "sys/walk.h"

#include <sys/stat.h>

#include <algorithm>
#include <array>
#include <atomic>
#include <cerrno>
#include <future>
#include <map>
#include <memory>
#include <mutex>
#include <optional>
#include <set>

#include "tests/silent_fuse.h"
#include "tests/sys/on_filesystem.h"

namespace vunify::test {
namespace {

void walk_one(const std::string& where, const Visitor& visitor) {
  const RootDir root(where);
  const std::array roots{RootVisit{&root, visitor}};
  walk(roots);
}

// Walks into every directory and keeps what it was told.
struct Seen {
  std::mutex mutex;  // guards the others
  std::set<std::string> paths;
  std::map<std::string, int> failed;  // path -> errno

  explicit Seen(const std::string& where) {
    walk_one(where, {[this](const Listing& listing) { note(listing); },
                     [this](const std::string& path, const std::system_error& error) {
                       const std::lock_guard lock(mutex);
                       failed[path] = error.code().value();
                     },
                     [] { return false; }});
  }

  void note(const Listing& listing) {
    const std::lock_guard lock(mutex);
    for (auto& entry : listing.entries) {
      paths.insert(join_path(listing.path, entry.leaf));
      entry.enter = entry.inode.is_directory();
    }
  }
};

using Paths = std::set<std::string>;

TEST(Walk, SeesEveryName) {
  const Scratch dir{{"a/b/c", ""}, {"a/d", ""}, {".hidden", ""}};
  const Seen seen(dir.root());
  EXPECT_EQ(seen.paths, (Paths{"a", "a/b", "a/b/c", "a/d", ".hidden"}));
  EXPECT_TRUE(seen.failed.empty());
}

// Of root, or of a user beside the guest, who lets nobody look.
TEST(Walk, WaitsForNobodyWhoMountedSomethingOnAFile) {
  for (const unsigned owner : {0U, 1000U}) {
    const Scratch dir{{"a/f", "text"}, {"a/g", "text"}};
    std::optional<SilentFuse> silent(std::in_place, dir / "a/g", owner);
    auto walked = std::async(std::launch::async, [&] { return std::make_unique<Seen>(dir.root()); });
    const bool in_time = walked.wait_for(std::chrono::seconds(20)) == std::future_status::ready;
    silent.reset();
    ASSERT_TRUE(in_time);
    const auto seen = walked.get();
    EXPECT_TRUE(seen->paths.contains("a/f"));
    EXPECT_EQ(seen->failed.contains("a/g"), owner != 0) << "of root's the kernel tells what it knows";
  }
}

TEST(Walk, LooksAtNothingThatIsToStayUnseen) {
  const Scratch dir{{"out/deep/f", "text"}, {"in/f", "text"}};
  std::mutex mutex;  // guards seen
  std::map<std::string, std::uint32_t> seen;
  const auto note = [&](const Listing& listing) {
    const std::lock_guard lock(mutex);
    for (auto& entry : listing.entries) {
      entry.enter = entry.inode.is_directory();
      entry.unseen = entry.leaf == "out";
      if (!entry.enter) seen[join_path(listing.path, entry.leaf)] = entry.inode.nlink;
      EXPECT_EQ(listing.unseen, listing.path.starts_with("out"));
    }
  };
  walk_one(dir.root(), {note, [](const std::string&, const std::system_error&) {}, [] { return false; }});
  EXPECT_EQ(seen, (std::map<std::string, std::uint32_t>{{"in/f", 1}, {"out/deep/f", 0}}));
}

TEST(Walk, NamesHoldAnyByte) {
  const std::string newline("a\nb"), invalid("\xff\xfe"), longest(255, 'x');
  const Scratch dir{{newline + "/" + invalid, ""}, {longest, ""}};
  EXPECT_EQ(Seen(dir.root()).paths, (Paths{newline, newline + "/" + invalid, longest}));
}

TEST(Walk, Goes5000Deep) {
  const Scratch dir;
  Fd at = open_host(dir.root(), O_RDONLY);
  for (int i = 0; i < 5000; ++i) {
    ASSERT_EQ(::mkdirat(at.get(), "d", 0755), 0);
    at = Fd(::openat(at.get(), "d", O_RDONLY | O_CLOEXEC));
  }
  const Seen seen(dir.root());
  EXPECT_EQ(seen.paths.size(), 5000u);
  EXPECT_TRUE(seen.failed.empty());
  EXPECT_EQ(shell("rm -rf " + (dir / "d")).status, 0);
}

TEST(Walk, AMountInsideIsReportedAndNotEntered) {
  const Scratch dir{{"bound/file", ""}, {"mounted/file", ""}, {"other/file", ""}, {"a", ""}};
  if (shell("mount --bind " + (dir / "other") + " " + (dir / "bound")).status != 0) GTEST_SKIP() << "no mounts here";
  shell("mount -t tmpfs none " + (dir / "mounted"));
  const Seen seen(dir.root());
  shell("umount " + (dir / "bound") + " " + (dir / "mounted"));
  EXPECT_EQ(seen.failed, (std::map<std::string, int>{{"bound", EXDEV}, {"mounted", EXDEV}}));
  EXPECT_EQ(seen.paths, (Paths{"a", "bound", "mounted", "other", "other/file"}));
}

TEST(Walk, SymlinksAreNamesAndNoWay) {
  const Scratch dir{{"root/a", ""}, {"other/file", ""}};
  ASSERT_EQ(shell("ln -s ../other " + (dir / "root/link")).status, 0);
  EXPECT_EQ(Seen(dir / "root").paths, (Paths{"a", "link"}));
}

TEST(Walk, GoesInInodeOrder) {
  Scratch dir;
  for (int i = 0; i < 50; ++i) dir.write(std::to_string(i * 7919 % 1000), "");
  bool sorted = false;
  const auto visit = [&](const Listing& listing) {
    sorted = std::ranges::is_sorted(listing.entries, {}, [](const Entry& entry) { return entry.inode.ino; });
  };
  walk_one(dir.root(), {visit, {}, [] { return false; }});
  EXPECT_TRUE(sorted);
}

TEST(Walk, ReadsADirectoryOfAnySize) {
  Scratch dir;
  for (int i = 0; i < 3000; ++i) dir.write(std::string(200, 'x') + std::to_string(i), "");
  EXPECT_EQ(Seen(dir.root()).paths.size(), 3000u);
}

TEST(Walk, GoesThroughSeveralRootsEachWithItsVisitor) {
  const Scratch dir{{"a/x/1", ""}, {"a/y/2", ""}, {"b/x/3", ""}};
  const RootDir a(dir / "a"), b(dir / "b");
  std::array<std::atomic<int>, 2> names{};
  const auto visitor = [&](std::size_t root) {
    const auto visit = [&names, root](const Listing& listing) {
      for (auto& entry : listing.entries) entry.enter = entry.inode.is_directory();
      names[root] += static_cast<int>(listing.entries.size());
    };
    return Visitor{visit, {}, [] { return false; }};
  };
  const std::array roots{RootVisit{&a, visitor(0)}, RootVisit{&b, visitor(1)}};
  walk(roots);
  EXPECT_EQ(names[0], 4);
  EXPECT_EQ(names[1], 2);
}

TEST(Walk, StopsWhenAsked) {
  const Scratch dir{{"a/b/c/d/e", ""}};
  std::atomic<int> visited{0};
  const auto visit = [&](const Listing& listing) {
    ++visited;
    listing.entries.front().enter = true;
  };
  walk_one(dir.root(), {visit, {}, [&] { return visited == 2; }});
  EXPECT_EQ(visited, 2);
}

}  // namespace
}  // namespace vunify::test
