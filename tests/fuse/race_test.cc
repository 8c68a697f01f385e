// SPDX-License-Identifier: Apache-2.0
// Many at once: one break a file, no error that a single process would not meet, nothing held longer than it is used.
#include <sys/stat.h>

#include <atomic>
#include <filesystem>
#include <thread>

#include "tests/eventually.h"
#include "tests/fuse/guest_mount.h"

namespace vunify::test {
namespace {

constexpr int rounds = 200;

class Race : public GuestMount {
 protected:
  template <typename Work>
  static void at_once(int threads, const Work& work) {
    std::vector<std::thread> all;
    for (int i = 0; i < threads; ++i) all.emplace_back([&work, i] { EXPECT_NO_THROW(work(i)); });
    for (auto& thread : all) thread.join();
  }
  std::string name(int i) const { return "f" + std::to_string(i); }
};

TEST_P(Race, EightWritersWriteToOneFile) {
  for (int i = 0; i < 20; ++i) share(name(i), "shared\n");
  mount();
  for (int i = 0; i < 20; ++i) {
    at_once(8, [&](int) { write_all(open_host(mine(name(i)), O_WRONLY | O_APPEND).get(), "x", ""); });
    EXPECT_EQ(read(name(i)), "shared\nxxxxxxxx");
  }
}

TEST_P(Race, ReadersMeetNoError) {
  for (int i = 0; i < rounds; ++i) share(name(i), "shared\n");
  mount();
  at_once(3, [&](int thread) {
    for (int i = 0; i < rounds; ++i) {
      if (thread == 0) write_all(open_host(mine(name(i)), O_WRONLY | O_TRUNC).get(), "mine\n", "");
      const auto text = read(name(i));
      EXPECT_TRUE(text == "shared\n" || text == "mine\n" || text.empty()) << text;
    }
  });
}

// What a native filesystem would answer to who opens a name that comes and goes.
TEST_P(Race, WritersOfANameThatMovesWriteOrFindNone) {
  for (int i = 0; i < rounds; ++i) share(name(i), "shared\n");
  mount();
  at_once(2, [&](int thread) {
    for (int i = 0; i < rounds; ++i) {
      const auto path = mine(name(i));
      if (thread == 0) {
        EXPECT_EQ(error_of(::rename(path.c_str(), (path + "moved").c_str())), 0);
        continue;
      }
      const Fd file(::open(path.c_str(), O_WRONLY | O_APPEND | O_CLOEXEC));
      EXPECT_TRUE(file || errno == ENOENT) << errno;
      if (file) write_all(file.get(), "x", path);
    }
  });
  for (int i = 0; i < rounds; ++i) {
    ASSERT_TRUE(dir().exists("guest/" + name(i) + "moved"))
        << name(i) << " " << testing::PrintToString(dir().names("guest"));
    EXPECT_EQ(read(name(i) + "moved").substr(0, 7), "shared\n");
  }
}

TEST_P(Race, ChangesOfAFileThatIsRemovedMeetNoOtherError) {
  for (int i = 0; i < rounds; ++i) share(name(i), "shared\n");
  mount();
  at_once(3, [&](int thread) {
    for (int i = 0; i < rounds; ++i) {
      const auto path = mine(name(i));
      const int error = thread == 0   ? error_of(::unlink(path.c_str()))
                        : thread == 1 ? error_of(::chmod(path.c_str(), 0600))
                                      : error_of(::truncate(path.c_str(), 2));
      EXPECT_TRUE(error == 0 || error == ENOENT) << error;
    }
  });
  EXPECT_TRUE(dir().names("guest").empty());
}

TEST_P(Race, LinksAreOneFileWhoeverMakesThem) {
  for (int i = 0; i < rounds; ++i) share(name(i), "shared\n");
  mount();
  at_once(2, [&](int thread) {
    for (int i = 0; i < rounds; ++i) {
      const auto path = mine(name(i));
      if (thread == 0) check(::link(path.c_str(), (path + "linked").c_str()), "link", path);
      if (thread == 1) write_all(open_host(path, O_WRONLY | O_APPEND).get(), "x", path);
    }
  });
  for (int i = 0; i < rounds; ++i) {
    EXPECT_EQ(read(name(i)), "shared\nx");
    EXPECT_EQ(read(name(i) + "linked"), "shared\nx");
  }
}

TEST_P(Race, RemovedFilesAreLetGo) {
  mount();
  const auto daemon = daemon_of(mine(""));
  const auto open_files = [&] {
    const std::filesystem::directory_iterator all("/proc/" + std::to_string(daemon) + "/fd");
    return std::distance(begin(all), end(all));
  };
  for (int i = 0; i < 2000; ++i) {
    write("f", "");
    check(::unlink(mine("f").c_str()), "unlink");
  }
  EXPECT_TRUE(eventually([&] { return open_files() < 50; }));
}

TEST_P(Race, WhatTheKernelForgetsIsFoundAgain) {
  for (int i = 0; i < rounds; ++i) share("d" + std::to_string(i % 7) + "/" + name(i), "shared\n");
  mount();
  at_once(3, [&](int thread) {
    for (int i = 0; i < rounds; ++i) {
      const auto path = "d" + std::to_string(i % 7) + "/" + name(i);
      if (thread == 0 && i % 20 == 0) write_all(open_host("/proc/sys/vm/drop_caches", O_WRONLY).get(), "2", "");
      if (thread == 1) write_all(open_host(mine(path), O_WRONLY | O_APPEND).get(), "x", path);
      const auto text = read(path);
      EXPECT_TRUE(text == "shared\n" || text == "shared\nx") << text;
    }
  });
}

INSTANTIATE_TEST_SUITE_P(BothWays, Race, everywhere, name_of_each);

}  // namespace
}  // namespace vunify::test
