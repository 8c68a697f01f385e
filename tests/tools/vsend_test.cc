// SPDX-License-Identifier: Apache-2.0
// A guest moved between two hosts, each with a filesystem, a state and a configuration of its own: it arrives as it
// was, or not at all, and what is there already is not sent.
#include <fcntl.h>
#include <gmock/gmock.h>
#include <sys/stat.h>

#include <filesystem>
#include <fstream>
#include <random>
#include <regex>

#include "move/stream.h"
#include "sys/inode_attr.h"
#include "tests/crash_points.h"
#include "tests/root_test.h"
#include "tests/shared.h"
#include "tests/tools/guests.h"
#include "tests/tools/script_in.h"

namespace vunify::test {
namespace {

using testing::ElementsAre;
using testing::HasSubstr;
using testing::StartsWith;

// All that a guest can see, but extents and numbers of inodes.
constexpr auto all_that_is_sent = R"sh(
  cd % && mkdir -p usr/lib dir/sub && chmod 2750 dir && echo one > usr/lib/one && ln usr/lib/one usr/lib/two
  ln -s one usr/lib/symlink; chown -h 5:6 usr/lib/symlink; mkfifo -m 640 fifo; mknod null c 1 3; mknod disk b 7 9
  truncate -s 5M sparse; printf x | dd of=sparse bs=1 seek=3M conv=notrunc status=none
  cp /bin/true usr/lib/ping; setcap cap_net_raw+ep usr/lib/ping; setfattr -n user.a -v b usr/lib/one
  setfattr -n trusted.t -v b fifo usr/lib/symlink; chattr +d usr/lib/ping
  setfacl -m u:77:rwx dir/sub; setfacl -d -m u:78:r dir/sub; echo suid > suid; chmod 4755 suid; chown 7:8 dir
  : > empty; printf '\n' > "$(printf 'new\nline')"; echo own > own; chattr +i own
  touch -d '2001-02-03 04:05:06.123456789' usr/lib/one; touch -h -d '2002-02-03 04:05:06.5' usr/lib/symlink fifo
  touch -d '2003-02-03 04:05:06.987654321' dir/sub dir usr/lib .)sh";

// XFS shows ACLs a second time, by the attributes that it keeps them in.
std::map<std::string, std::string> seen_in(const std::string& directory) {
  auto image = image_of(directory);
  for (auto& [path, line] : image) line = std::regex_replace(line, std::regex(" trusted.SGI_ACL_[A-Z]*=[0-9a-f]*"), "");
  return image;
}

// What no program makes smaller.
std::string noise(std::size_t size, unsigned seed) {
  std::mt19937 random(seed);
  std::string bytes(size, '\0');
  for (auto& byte : bytes) byte = static_cast<char>(random());
  return bytes;
}

// A directory `vm` for guests, and `etc`, the configuration of util-vserver, whose vdirbase it is.
class Host : public Scratch {
 public:
  explicit Host(const std::string& where = "/var/tmp") : Scratch(Files(), where) {
    for (const auto* directory : {"vm", "etc/.defaults"}) make_directory(directory);
    std::filesystem::create_symlink(*this / "vm", *this / "etc/.defaults/vdirbase");
  }

  void add_guest(const std::string& name) const {
    make_directory("vm/" + name);
    make_directory("etc/" + name);
    std::ofstream(*this / ("etc/" + name + "/name")) << name << '\n';
  }
  void write_context(const std::string& guest, int context) const {
    std::ofstream(*this / ("etc/" + guest + "/context")) << context << '\n';
  }
  std::string receive(const std::string& name, const std::string& options = "") const {
    return VUNIFY_BIN_DIR "/vreceive --jobs 2 --config " + *this / "etc" + " --state " + *this / "state" + " " +
           options + " " + name;
  }
  Words send(const std::string& guest, const Words& options) const {
    Words words = {"vsend", "--config", *this / "etc", guest};
    words.insert(words.end(), options.begin(), options.end());
    return words;
  }
  std::string pipe_of(const std::string& guest, const std::string& options = "") const {
    return VUNIFY_BIN_DIR "/vsend --config " + *this / "etc" + " " + options + " " + guest;
  }
};

class Vsend : public RootTest {
 protected:
  Finished move(const std::string& guest, const std::string& name = "g") const {
    return run(here_.send(guest, {"--to", there_.receive(name)}));
  }
  void expect_nothing_there(const std::string& name = "g") const {
    EXPECT_FALSE(there_.exists("vm/" + name));
    EXPECT_FALSE(there_.exists("etc/" + name));
  }
  static void expect_one_line(const Finished& finished, const std::string& reason, int status) {
    EXPECT_EQ(finished.status, status) << finished.err << finished.out;
    EXPECT_THAT(finished.err, HasSubstr(reason));
    EXPECT_EQ(std::ranges::count(finished.err, '\n'), 1) << finished.err;
  }
  Finished receive_bytes(const std::string& bytes) const { return run({"sh", "-c", there_.receive("g")}, bytes); }

  Host here_, there_;
};

class VsendOn : public RootTestOn {};
INSTANTIATE_TEST_SUITE_P(Each, VsendOn, testing::Values("ext4", "xfs", "btrfs"), name_of_each);

TEST_P(VsendOn, ArrivesAsItWas) {
  const LoopFs ext4("ext4"), other(GetParam());
  if (!ext4.ok() || !other.ok()) GTEST_SKIP() << ext4.reason() << other.reason();
  const Host here(other.root()), there(ext4.root());
  here.add_guest("g");
  shell_or_fail(script_in(here / "vm/g", all_that_is_sent));
  const auto before = seen_in(here / "vm/g");
  const auto finished = run(here.send("g", {"--to", there.receive("g")}));
  EXPECT_EQ(finished.status, 0) << finished.err;
  EXPECT_EQ(seen_in(there / "vm/g"), before);
  EXPECT_EQ(seen_in(here / "vm/g"), before);
  EXPECT_EQ(link_sets(there / "vm/g"), link_sets(here / "vm/g"));
  for (const std::string path : {"/usr/lib/one", "/usr/lib", "/dir/sub", ""})
    EXPECT_EQ(there.inode("vm/g" + path).stamp.mtime, here.inode("vm/g" + path).stamp.mtime) << path;
  EXPECT_LT(there.inode("vm/g/sparse").bytes_on_disk(), 1U << 20) << "holes are kept";
  EXPECT_TRUE(there.inode("vm/g/own").immutable);
  EXPECT_EQ(run({"getfacl", "-c", there / "vm/g/dir/sub"}).out, run({"getfacl", "-c", here / "vm/g/dir/sub"}).out);
  EXPECT_THAT(there.names("vm"), ElementsAre("g"));
  const auto back = run(there.send("g", {"--to", here.receive("back")}));
  EXPECT_THAT(back.out, HasSubstr("; 0 of them sent")) << back.err;
  EXPECT_EQ(seen_in(here / "vm/back"), before) << "made of what is there, by reflink where there are such";
}

TEST_F(Vsend, SendsOnlyWhatIsNotThere) {
  here_.add_guest("g");
  there_.add_guest("sister");
  for (const auto* guest : {"g", "sister"}) {
    const auto& host = std::string(guest) == "g" ? here_ : there_;
    host.write("vm/" + std::string(guest) + "/bin/sh", same("sh"));
    host.write("vm/" + std::string(guest) + "/etc/hostname", std::string(guest) + std::string(5000, 'h'));
  }
  here_.write("vm/g/other", same("other"));
  const auto finished = move("g");
  EXPECT_THAT(finished.out, HasSubstr("3 files (14.7 KiB); 2 of them sent (9.8 KiB)")) << finished.err;
  EXPECT_EQ(there_.read("vm/g/bin/sh"), same("sh"));
  EXPECT_EQ(there_.read("vm/g/etc/hostname"), here_.read("vm/g/etc/hostname"));
  EXPECT_NE(there_.inode("vm/g/bin/sh").ino, there_.inode("vm/sister/bin/sh").ino) << "a file of its own";
}

TEST_F(Vsend, TakesWhatGuestsOnAnotherFilesystemThereHave) {
  const LoopFs fs("ext4");
  const Guests others(both({"bin/sh"}), fs.root());
  here_.add_guest("g");
  here_.write("vm/g/bin/sh", same("bin/sh"));
  ASSERT_EQ(run({"vunify", "--state", there_ / "state", protect_by_flag(), others / "a", others / "b"}).status, 0);
  EXPECT_THAT(move("g").out, HasSubstr("0 of them sent"));
  EXPECT_EQ(image_of(there_ / "vm/g"), image_of(here_ / "vm/g"));
}

TEST_F(Vsend, SendsASharedFileAsOneLikeAnyOther) {
  const Guests guests(both({"bin/sh"}));
  ASSERT_EQ(guests.vunify().status, 0);
  ASSERT_TRUE(is_shared(guests / "a/bin/sh"));
  EXPECT_EQ(move(guests / "a").status, 0);
  EXPECT_EQ(there_.read("vm/g/bin/sh"), same("bin/sh"));
  EXPECT_FALSE(has_mark(there_ / "vm/g/bin/sh"));
  EXPECT_FALSE(there_.inode("vm/g/bin/sh").immutable);
}

TEST_F(Vsend, WritesAConfigurationWithItsContextWhereThatIsFree) {
  here_.add_guest("g");
  here_.write_context("g", 123);
  EXPECT_EQ(move("g").status, 0);
  EXPECT_EQ(there_.read("etc/g/context"), "123\n");
  EXPECT_EQ(std::filesystem::read_symlink(there_ / "etc/g/vdir"), there_ / "vm/g");
  EXPECT_THAT(run({"vunify", "--config", there_ / "etc", "--state", there_ / "state", "--list"}).out, HasSubstr("123"));
  const auto second = move("g", "h");
  EXPECT_THAT(second.err, HasSubstr("context 123 is not free here"));
  EXPECT_FALSE(there_.exists("etc/h/context"));
}

TEST_F(Vsend, IsDoneInPartWhereASocketIsLeft) {
  here_.add_guest("g");
  here_.write("vm/g/f", same("f"));
  ASSERT_EQ(::mknod((here_ / "vm/g/socket").c_str(), S_IFSOCK | 0600, 0), 0);
  const auto finished = move("g");
  expect_one_line(finished, "left: socket: ", 1);
  EXPECT_THAT(there_.names("vm/g"), ElementsAre("f"));
}

TEST_F(Vsend, AsksThroughAPipeThatComesBack) {
  here_.add_guest("g");
  there_.add_guest("sister");
  here_.write("vm/g/new", same("new"));
  for (const auto& file : {here_ / "vm/g/f", there_ / "vm/sister/f"}) std::ofstream(file) << noise(100000, 1);
  const auto back = here_ / "back";
  const auto finished = shell("mkfifo " + back + "; " + here_.pipe_of("g", "--ask") + " < " + back + " | tee " +
                              here_ / "sent" + " | " + there_.receive("g") + " > " + back);
  EXPECT_EQ(finished.status, 0) << finished.err;
  EXPECT_EQ(image_of(there_ / "vm/g"), image_of(here_ / "vm/g"));
  EXPECT_LT(here_.read("sent").size(), 10000U);
}

TEST_F(Vsend, SendsAllThroughAPipeThatGoesOneWay) {
  here_.add_guest("g");
  here_.write("vm/g/bin/sh", same("sh"));
  const auto finished = shell(here_.pipe_of("g") + " | " + there_.receive("g"));
  EXPECT_THAT(finished.out, StartsWith("received ")) << finished.err;
  EXPECT_EQ(image_of(there_ / "vm/g"), image_of(here_ / "vm/g"));
}

TEST_F(Vsend, SendsThroughAPipeWhatIsNotOnAList) {
  here_.add_guest("g");
  there_.add_guest("sister");
  here_.write("vm/g/a-name", same("sh"));
  here_.write("vm/g/new", same("new"));
  there_.write("vm/sister/another-name", same("sh"));
  shell_or_fail("touch " + there_ / "vm/sister/another-name");
  shell_or_fail(there_.receive("g", "--have") + " > " + here_ / "list");
  const auto finished = shell(here_.pipe_of("g", "--have " + here_ / "list") + " | " + there_.receive("g"));
  EXPECT_THAT(finished.out, HasSubstr("2 files (9.8 KiB); 1 of them were here")) << finished.err;
  EXPECT_EQ(image_of(there_ / "vm/g"), image_of(here_ / "vm/g"));
}

TEST_F(Vsend, IsNotReceivedByAListThatIsTrueNoMore) {
  here_.add_guest("g");
  there_.add_guest("sister");
  here_.write("vm/g/f", same("f"));
  there_.write("vm/sister/f", same("f"));
  shell_or_fail(there_.receive("g", "--have") + " > " + here_ / "list");
  there_.write("vm/sister/f", same("g"));
  const auto send = here_.pipe_of("g", "--have " + here_ / "list") + " 2>/dev/null";
  const auto finished = shell(send + " | " + there_.receive("g"));
  expect_one_line(finished, "f is on the list, but not here any more", 5);
  expect_nothing_there();
}

TEST_F(Vsend, GoesOnWhereItWasBrokenOff) {
  here_.add_guest("g");
  for (unsigned i = 0; i < 40; ++i) here_.write("vm/g/f" + std::to_string(i), noise(100000, i));
  EXPECT_EQ(shell(here_.pipe_of("g") + " | head -c 2000000 | " + there_.receive("g")).status, 5);
  expect_nothing_there();
  const auto finished = move("g");
  EXPECT_THAT(finished.out, testing::ContainsRegex("; 2[0-9] of them sent")) << finished.err;
  EXPECT_EQ(image_of(there_ / "vm/g"), image_of(here_ / "vm/g"));
  EXPECT_THAT(there_.names("vm"), ElementsAre("g"));
  for (const auto& name : there_.names("vm/g")) EXPECT_EQ(there_.inode("vm/g/" + name).nlink, 1U);
}

// Who comes by tells of it, until it is given up.
TEST_F(Vsend, IsTakenOrGivenUpWhereItWasBrokenOff) {
  here_.add_guest("g");
  here_.write("vm/g/f", noise(100000, 1));
  const auto broken_off = shell(here_.pipe_of("g") + " 2>/dev/null | head -c 50000 | " + there_.receive("g"));
  expect_one_line(broken_off, "what has come is kept: the next vreceive goes on from it, or --give-up removes it", 5);
  const auto line = there_ / "vm/g: some of it has come, and was broken off";
  EXPECT_THAT(move("g", "h").err, HasSubstr(line));
  const auto night =
      run({"vunify", "--config", there_ / "etc", "--state", there_ / "state", protect_by_flag(), "--all"});
  EXPECT_THAT(night.out, HasSubstr("note: " + line)) << night.err;
  EXPECT_THAT(shell(there_.receive("g", "--give-up")).out, HasSubstr("vm/g: given up"));
  EXPECT_THAT(there_.names("vm"), ElementsAre("h"));
  EXPECT_THAT(shell(there_.receive("g", "--give-up")).out, HasSubstr("nothing was left"));
}

TEST_F(Vsend, LeavesNothingThereOfWhichNothingHasCome) {
  here_.add_guest("g");
  expect_one_line(receive_bytes(run({"sh", "-c", here_.pipe_of("g")}).out.substr(0, 60)), "ends too soon", 5);
  EXPECT_TRUE(there_.names("vm").empty());
  there_.make_directory("vm/taken");
  expect_one_line(run({"sh", "-c", here_.pipe_of("g") + " 2>/dev/null | " + there_.receive(there_ / "vm/taken")}),
                  "File exists", 3);
  EXPECT_THAT(there_.names("vm"), ElementsAre("taken"));
}

TEST_F(Vsend, GoesOnWhereTheDiskWasFull) {
  const LoopFs small("ext4", 64);
  const Host there(small.root());
  here_.add_guest("g");
  for (int i = 0; i < 30; ++i) here_.write("vm/g/f" + std::to_string(i), std::string(1 << 20, 'a') + std::to_string(i));
  shell_or_fail("fallocate -l $(($(df --output=avail -B1 " + small.root() + " | tail -n 1) - 20000000)) " +
                there / "big");
  const auto full = shell(here_.pipe_of("g") + " 2>/dev/null | " + there.receive("g"));
  expect_one_line(full, "No space left on device; what has come is kept", 5);
  EXPECT_FALSE(there.exists("vm/g"));
  std::filesystem::remove(there / "big");
  EXPECT_EQ(run(here_.send("g", {"--to", there.receive("g")})).status, 0);
  EXPECT_EQ(image_of(there / "vm/g"), image_of(here_ / "vm/g"));
}

TEST_F(Vsend, RefusesAGuestThatSomebodyLivesIn) {
  here_.add_guest("g");
  const auto send = here_.pipe_of("g", "--to '" + there_.receive("g") + "'");
  const auto finished = shell("cd " + here_ / "vm/g" + " && " + send);
  EXPECT_EQ(finished.status, 3) << finished.err;
  EXPECT_THAT(finished.err, HasSubstr("stop it first"));
  expect_nothing_there();
}

TEST_F(Vsend, RefusesAPlaceThatIsTaken) {
  here_.add_guest("g");
  there_.make_directory("vm/g");
  const auto finished = shell(here_.pipe_of("g") + " 2>/dev/null | " + there_.receive("g"));
  expect_one_line(finished, "File exists", 3);
  there_.add_guest("h");
  EXPECT_THAT(move("g", "h").err, HasSubstr("is there already"));
}

TEST_F(Vsend, ReceivesNoGuestInsideAnother) {
  here_.add_guest("g");
  there_.add_guest("h");
  EXPECT_THAT(move("g", there_ / "vm/h/srv").err, HasSubstr("vm/h"));
  EXPECT_FALSE(there_.exists("vm/h/.vreceive"));
}

// A stream that is cut anywhere, or has one byte changed, makes no guest.
TEST_F(Vsend, BelievesNoStreamThatIsNotWhole) {
  here_.add_guest("g");
  here_.write("vm/g/bin/sh", noise(5000, 1));
  const auto stream = run({"sh", "-c", here_.pipe_of("g")}).out;
  ASSERT_GT(stream.size(), 5000U);
  for (const std::size_t size :
       {std::size_t{0}, std::size_t{5}, std::size_t{100}, stream.size() / 2, stream.size() - 1})
    expect_one_line(receive_bytes(stream.substr(0, size)), "not received: ", 5);
  for (const std::size_t at : {std::size_t{3}, std::size_t{13}, std::size_t{15}, std::size_t{60}, stream.size() / 2,
                               stream.size() - 40, stream.size() - 1}) {
    auto changed = stream;
    changed[at] = static_cast<char>(~changed[at]);
    EXPECT_NE(receive_bytes(changed).status, 0) << at;
  }
  expect_one_line(receive_bytes(std::string(1 << 20, '\xff')), "not a stream of vsend", 5);
  expect_nothing_there();
  EXPECT_EQ(receive_bytes(stream).status, 0) << "whole, it does";
}

TEST_F(Vsend, IsRefusedByAReceiverOfAnotherVersion) {
  expect_one_line(receive_bytes("vunify move 3\n"), "another version", 5);
}

TEST_F(Vsend, TellsThatNobodyReceived) {
  here_.add_guest("g");
  expect_one_line(run(here_.send("g", {"--to", "exit 7"})), "not received", 5);
}

// Killed before each third of its steps vreceive leaves no guest, or a whole one; and the next one ends well.
TEST_F(Vsend, CrashOfTheReceiverLeavesAWholeGuestOrNone) {
  here_.add_guest("g");
  here_.write("vm/g/bin/sh", same("sh"));
  shell_or_fail("cd " + here_ / "vm/g" + " && ln bin/sh bin/bash && echo own > own && chattr +i own");
  const auto stream = run({"sh", "-c", here_.pipe_of("g")}).out;
  const auto before = image_of(here_ / "vm/g");
  here_.write("stream", stream);
  sweep(1, 3, 20, [&](int step) {
    const Host there;
    const auto killed_at =
        run_until({step, 0, {}}, {"sh", "-c", "exec " + there.receive("g", "-q") + " < " + here_ / "stream"});
    if (there.exists("vm/g"))
      EXPECT_EQ(image_of(there / "vm/g"), before);
    else
      EXPECT_EQ(shell(there.receive("g") + " < " + here_ / "stream").status, 0);
    EXPECT_EQ(image_of(there / "vm/g"), before);
    return killed_at;
  });
}

}  // namespace
}  // namespace vunify::test
