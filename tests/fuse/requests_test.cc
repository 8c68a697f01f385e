// SPDX-License-Identifier: Apache-2.0
// What one worker after another finds in the slots of requests.
#include "fuse/requests.h"

#include <gtest/gtest.h>
#include <linux/fuse.h>

#include <cstring>
#include <functional>

#include "fuse/kept_at.h"

namespace vunify::test {
namespace {

constexpr std::uint64_t sent_again = std::uint64_t{1} << 63;

void receive(Slot& slot, std::uint64_t unique) {
  fuse_in_header header{};
  header.len = sizeof header;
  header.opcode = FUSE_LOOKUP;
  header.unique = unique;
  std::memcpy(slot.buffer.data(), &header, sizeof header);
}

class RequestsLeft : public testing::Test {
 protected:
  // As a worker that is killed afterwards: what it has in its slot stays there.
  void serve(const std::function<void(Requests&, Slot&)>& work) {
    const CountedFor nobody(nullptr);
    Requests requests(memory_, kept_at::requests);
    left_ = requests.take_up();
    if (work) work(requests, *requests.join());
  }
  void serve_look_up(std::uint64_t unique) {
    serve([&](Requests& requests, Slot& slot) {
      receive(slot, unique);
      requests.find_left(slot);
      slot.entered[slot.entered_count++] = 7;
    });
  }

  SharedMemory memory_{kept_at::names};
  Requests::Left left_;
};

TEST_F(RequestsLeft, IsFoundByWhoIsAskedAgain) {
  serve_look_up(8);
  serve([&](Requests& requests, Slot& slot) {
    receive(slot, 8 | sent_again);
    ASSERT_EQ(left_.asked_again.size(), 1u);
    EXPECT_EQ(requests.find_left(slot), left_.asked_again.front());
  });
}

TEST_F(RequestsLeft, IsNobodysOfWhomNothingWasCounted) {
  serve([](Requests&, Slot& slot) { receive(slot, 8); });
  serve({});
  EXPECT_TRUE(left_.asked_again.empty());
}

TEST_F(RequestsLeft, IsGivenUpWhereAnythingNewWasReadBeforeIt) {
  serve_look_up(8);
  serve_look_up(10);
  serve({});
  ASSERT_EQ(left_.given_up.size(), 1u);
  EXPECT_EQ(Requests::unique_of(*left_.given_up.front()), 8u);
  ASSERT_EQ(left_.asked_again.size(), 1u);
  EXPECT_EQ(Requests::unique_of(*left_.asked_again.front()), 10u);
}

TEST_F(RequestsLeft, IsWholeUntilItIsTakenOver) {
  serve_look_up(8);
  serve([&](Requests&, Slot& slot) { receive(slot, 8 | sent_again); });
  serve({});
  ASSERT_EQ(left_.asked_again.size(), 1u);
  EXPECT_EQ(left_.asked_again.front()->entered_count, 1u);
}

TEST_F(RequestsLeft, TellsWhetherTheLastWorkerWasOfUse) {
  serve_look_up(8);
  EXPECT_TRUE(Requests::saw_new(memory_, kept_at::requests));
  serve([](Requests& requests, Slot& slot) {
    receive(slot, 8 | sent_again);
    requests.find_left(slot);
  });
  EXPECT_FALSE(Requests::saw_new(memory_, kept_at::requests));
}

}  // namespace
}  // namespace vunify::test
