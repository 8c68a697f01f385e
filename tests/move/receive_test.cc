// SPDX-License-Identifier: Apache-2.0
// Whatever comes, whole and well compressed, in whatever order: a guest is made of it, or none.
#include "move/receive.h"

#include <fcntl.h>
#include <gmock/gmock.h>

#include <algorithm>
#include <random>

#include "guest/guest.h"
#include "move/find_alike.h"
#include "move/send.h"
#include "tests/crash_points.h"
#include "tests/root_test.h"
#include "tests/seeds.h"

namespace vunify::test {
namespace {

struct Message {
  Kind kind;
  std::string payload;
};
using Messages = std::vector<Message>;

class Receive : public RootTest {
 protected:
  Receive() : dir_({}, "/dev/shm") {
    for (const auto* guest : {"g", "sister"}) {
      dir_.write(std::string(guest) + "/bin/sh", std::string(9000, 's'));
      dir_.write(std::string(guest) + "/etc/hostname", guest);
    }
    shell_or_fail("cd " + dir_ / "g" +
                  R"( && ln bin/sh bin/bash && ln -s sh bin/link && mkfifo fifo && mkdir -p a/b/c &&
      setfattr -n trusted.t -v x etc && truncate -s 1M sparse && printf x | dd of=sparse bs=1 seek=500K 2>/dev/null)");
    sisters_.emplace_back(dir_ / "sister");
    dir_.make_directory("there");
  }
  ~Receive() override { shell("chattr -R -ia " + dir_ / "there"); }

  // With what the sister has, as a list says.
  Messages sent() const {
    const auto have = list_contents(find_alike(sisters_, nullptr));
    const auto guests = open_guests(std::vector<std::string>{dir_ / "g"}).guests;
    {
      const Fd file = open_host(dir_ / "stream", O_WRONLY | O_CREAT | O_TRUNC);
      StreamOut out(file.get());
      send_guest({.guest = &guests.at(0), .context = {}, .have = &have, .why_not = [] { return std::string(); }}, out,
                 nullptr);
    }
    const Fd file = open_host(dir_ / "stream", O_RDONLY);
    StreamIn in(file.get());
    Messages messages;
    for (auto message = in.next(); message.kind != Kind::end; message = in.next())
      messages.push_back({message.kind, std::string(message.payload)});
    return messages;
  }

  Received receive(const Messages& messages, const std::string& name) const {
    {
      const Fd file = open_host(dir_ / "stream", O_WRONLY | O_CREAT | O_TRUNC);
      StreamOut out(file.get());
      for (const auto& message : messages) out.send(message.kind, {message.payload});
      out.end();
    }
    const Fd file = open_host(dir_ / "stream", O_RDONLY), nowhere = open_host("/dev/null", O_WRONLY);
    StreamIn in(file.get());
    StreamOut answers(nowhere.get());
    return receive_guest(dir_ / ("there/" + name), sisters_, in, answers);
  }

  Scratch dir_;
  std::vector<RootDir> sisters_;
};

// One thing wrong: a bit, an end, a byte too many, a message twice, or not at all, or of another kind.
Messages damaged(Messages messages, std::mt19937& random) {
  const auto at = random() % messages.size();
  auto& [kind, payload] = messages[at];
  const auto place = payload.empty() ? 0 : random() % payload.size();
  switch (random() % 8) {
    case 0:
      payload.resize(place);
      break;
    case 1:
      payload.insert(place, 1, static_cast<char>(random()));
      break;
    case 2:
      messages.insert(messages.begin() + static_cast<long>(at), messages[at]);
      break;
    case 3:
      messages.erase(messages.begin() + static_cast<long>(at));
      break;
    case 4:
      kind = messages[random() % messages.size()].kind;
      break;
    default:
      if (!payload.empty()) payload[place] = static_cast<char>(payload[place] ^ (1 << random() % 8));
  }
  return messages;
}

TEST_F(Receive, MakesAGuestOfWhatWasSent) {
  const auto received = receive(sent(), "g");
  EXPECT_EQ(received.here_files, 1U);
  EXPECT_EQ(image_of(dir_ / "there/g"), image_of(dir_ / "g"));
}

TEST_F(Receive, MakesAGuestOrNoneOfWhatIsDamaged) {
  const auto messages = sent();
  std::size_t made = 0, refused = 0;
  const auto cases = draw(400);
  for (const auto i : cases) {
    std::mt19937 random(static_cast<std::uint32_t>(i));
    const auto name = "g" + std::to_string(i);
    try {
      receive(damaged(messages, random), name);
      ++made;
    } catch (const BadStream&) {
      ++refused;
    } catch (const std::system_error&) {  // a size that no filesystem has, and the like
    }
    if (dir_.exists("there/" + name)) --made;
  }
  EXPECT_EQ(made, 0U) << "none is half there, and none only said to be";
  EXPECT_GT(refused, cases.size() / 4);
  EXPECT_EQ(dir_.read("sister/bin/sh"), std::string(9000, 's'));
  EXPECT_THAT(dir_.names("."), testing::UnorderedElementsAre("g", "sister", "stream", "there"));
}

// Of bin/sh, the only file that is on the list.
Messages with_another_proof(Messages messages) {
  for (auto& message : messages)
    if (message.kind == Kind::proofs) message.payload[5] = static_cast<char>(~message.payload[5]);
  return messages;
}

TEST_F(Receive, BelievesNoProofOfAnotherContent) { EXPECT_THROW(receive(with_another_proof(sent()), "g"), BadStream); }

TEST_F(Receive, HasWhatWasNotProvenSentWhereItCanAsk) {
  auto messages = with_another_proof(sent());
  messages.front().payload[0] = 1;  // it answers
  const auto sketched = std::ranges::find(messages, Kind::sketched, &Message::kind)->payload;
  std::uint32_t number = 0;
  while ((sketched[number / 8] >> number % 8 & 1) == 0) ++number;
  messages.push_back({Kind::file, number_bytes(number)});
  messages.push_back({Kind::piece, number_bytes(0) + std::string(9000, 's')});
  messages.push_back({Kind::complete, ""});
  const auto received = receive(messages, "g");
  EXPECT_EQ(received.here_files, 0U);
  EXPECT_EQ(image_of(dir_ / "there/g"), image_of(dir_ / "g"));
}

}  // namespace
}  // namespace vunify::test
