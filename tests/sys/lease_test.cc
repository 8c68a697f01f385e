// SPDX-License-Identifier: Apache-2.0
#include "sys/lease.h"

#include <sys/mman.h>
#include <unistd.h>

#include <algorithm>
#include <atomic>
#include <chrono>
#include <csignal>
#include <future>

#include "sys/inode_attr.h"
#include "sys/link.h"
#include "sys/xattr.h"
#include "tests/eventually.h"
#include "tests/sys/on_filesystem.h"

namespace vunify::test {
namespace {

using namespace std::chrono_literals;

class LeaseOn : public OnFilesystem {
 protected:
  void SetUp() override {
    OnFilesystem::SetUp();
    if (dir_) dir().write("file", "bytes");
  }

  // A writer in a thread of its own, for it waits in open(2) while the lease is held. The kernel makes no difference
  // between our own threads and another process here.
  std::future<std::chrono::nanoseconds> open_for_write() const {
    return std::async(std::launch::async, [path = dir() / "file"] {
      const auto start = std::chrono::steady_clock::now();
      open_host(path, O_WRONLY);
      return std::chrono::nanoseconds(std::chrono::steady_clock::now() - start);
    });
  }
};
INSTANTIATE_TEST_SUITE_P(Each, LeaseOn, each_filesystem, filesystem_name);

TEST_P(LeaseOn, IsRefusedWhileAWriterHasTheFileOpen) {
  const Fd file = reader("file");
  {
    const Fd writer = open_host(dir() / "file", O_WRONLY);
    EXPECT_FALSE(Lease::take(file.get()));
  }
  EXPECT_TRUE(Lease::take(file.get()));
}

TEST_P(LeaseOn, IsRefusedWhileAMappingIsWritableThoughItsDescriptorIsClosed) {
  const Fd file = reader("file");
  Fd writer = open_host(dir() / "file", O_RDWR);
  void* map = ::mmap(nullptr, 4096, PROT_WRITE, MAP_SHARED, writer.get(), 0);
  ASSERT_NE(map, MAP_FAILED);
  { const Fd closed = std::move(writer); }
  EXPECT_FALSE(Lease::take(file.get()));
  ::munmap(map, 4096);
  EXPECT_TRUE(Lease::take(file.get()));
}

TEST_P(LeaseOn, IsBrokenByAnotherProcessThatOpensForWriting) {
  const Fd file = reader("file");
  const auto lease = Lease::take(file.get());
  ASSERT_TRUE(lease && lease->held());
  EXPECT_EQ(shell("printf more >> " + (dir() / "file")).status, 0);
  EXPECT_FALSE(lease->held());
  EXPECT_EQ(dir().read("file"), "bytesmore");
}

TEST_P(LeaseOn, IsNotBrokenByReaders) {
  const Fd file = reader("file");
  const auto lease = Lease::take(file.get());
  EXPECT_EQ(shell("cat " + (dir() / "file")).out, "bytes");
  EXPECT_TRUE(lease->held());
}

TEST_P(LeaseOn, IsNotBrokenByLinkExchangeUnlinkXattrChattr) {
  dir().write("other", "other");
  const Fd file = reader("file"), at = directory();
  const auto lease = Lease::take(file.get());
  const StagedName staged{at.get(), "staged"};
  prepare_link(file.get(), staged);
  exchange(staged, {directory(), "other"});
  remove_staged(staged);
  set_xattr(file.get(), "user.note", "x");
  change_inode_flags(file.get(), FS_NODUMP_FL, 0);
  EXPECT_TRUE(lease->held());
}

TEST_P(LeaseOn, DoesNotSeeChmodAndXattrOfOthers) {
  const Fd file = reader("file");
  const auto lease = Lease::take(file.get());
  EXPECT_EQ(
      shell("F=" + (dir() / "file") + "; chmod 0600 $F && chown 1:1 $F && ln $F $F.2 && setfattr -n user.a -v b $F")
          .status,
      0);
  EXPECT_TRUE(lease->held());
}

TEST_P(LeaseOn, SigioDoesNotKill) {
  const Fd file = reader("file");
  const auto lease = Lease::take(file.get());
  ::raise(SIGIO);
  EXPECT_TRUE(lease->held());
}

// The kernel would take it away after 45 s; the shortest of many waits is not the scheduler's.
TEST_P(LeaseOn, IsGivenUpWithin20MillisecondsWhileItsOwnerSleeps) {
  const Fd file = reader("file");
  auto best = std::chrono::nanoseconds::max();
  for (int i = 0; i < 20; ++i) {
    const auto lease = Lease::take(file.get());
    best = std::min(best, open_for_write().get());
    EXPECT_FALSE(lease->held());
  }
  EXPECT_LT(best, 20ms);
}

TEST_P(LeaseOn, PinnedWaitsForItsOwner) {
  const Fd file = reader("file");
  auto lease = Lease::take(file.get());
  ASSERT_TRUE(lease->pin());
  auto writer = open_for_write();
  EXPECT_TRUE(eventually([&] { return !lease->held(); })) << "nobody wants it";
  EXPECT_EQ(writer.wait_for(0s), std::future_status::timeout);
  lease.reset();
  writer.get();
}

TEST_P(LeaseOn, GivenUpCannotBePinned) {
  const Fd file = reader("file");
  auto lease = Lease::take(file.get());
  open_for_write().get();
  EXPECT_FALSE(lease->pin());
}

TEST_P(LeaseOn, BecomesExclusiveWhereNobodyElseHasTheFileOpen) {
  const Fd file = reader("file");
  auto lease = Lease::take(file.get());
  {
    const Fd another = reader("file");
    EXPECT_FALSE(lease->become_exclusive());
    EXPECT_TRUE(lease->held());
  }
  EXPECT_TRUE(lease->become_exclusive());
  EXPECT_EQ(error_of([&] { open_host(dir() / "file", O_RDONLY | O_NONBLOCK); }), EWOULDBLOCK);
}

TEST_P(LeaseOn, EndsWithItsDescriptor) {
  Fd file = reader("file");
  auto lease = Lease::take(file.get());
  std::move(*lease).end_with(std::move(file));
  EXPECT_TRUE(open_host(dir() / "file", O_WRONLY | O_NONBLOCK));
}

TEST_P(LeaseOn, GivenUpIsNotKept) {
  const Fd file = reader("file");
  const auto lease = Lease::take(file.get());
  EXPECT_TRUE(lease->is_kept());
  open_for_write().get();
  EXPECT_FALSE(lease->is_kept());
}

// Asked for again, it would be there.
TEST_P(LeaseOn, GivenUpIsNotUnwrittenThoughItsWriterIsGone) {
  const Fd file = reader("file");
  const auto lease = Lease::take(file.get());
  EXPECT_TRUE(lease->is_unwritten());
  open_for_write().get();
  EXPECT_FALSE(lease->has_no_writer());
  EXPECT_FALSE(lease->is_unwritten());
}

// Many threads take, lose and drop leases while descriptors' numbers are reused at once: nobody loses another's lease.
TEST_P(LeaseOn, IsNobodyElsesAfterItsDescriptorIsReused) {
  dir().write("quiet", "q");
  std::atomic<bool> done{false};
  auto writer = std::async(std::launch::async, [&] {
    while (!done) error_of([&] { open_host(dir() / "file", O_WRONLY | O_NONBLOCK); });
  });
  int lost = 0;
  for (int i = 0; i < 20000; ++i) {
    {
      const Fd file = reader("file");
      const auto lease = Lease::take(file.get());
    }
    const Fd quiet = reader("quiet");
    const auto lease = Lease::take(quiet.get());
    if (!lease || !lease->held()) ++lost;
  }
  done = true;
  writer.wait();
  EXPECT_EQ(lost, 0);
}

}  // namespace
}  // namespace vunify::test
