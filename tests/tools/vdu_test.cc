// SPDX-License-Identifier: Apache-2.0
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include <csignal>

#include "guest/state_dir.h"
#include "host/off_list.h"
#include "sys/mark.h"
#include "tests/tools/asked_guests.h"
#include "tests/tools/packages_of.h"
#include "tools/text.h"

namespace vunify::test {
namespace {

TEST_F(Vdu, SumsCloseWithDf) {
  const auto report = json({"--all"});
  std::int64_t sum = report["filesystems"][0]["unattributed"]["bytes"];
  for (const auto& one : report["guests"]) sum += one["fair"].get<std::int64_t>();
  EXPECT_EQ(report["filesystems"][0]["used"], sum);
  EXPECT_EQ(report["guests"].size(), 4u);
}

TEST_F(Vdu, WhatOneUsesHangsNotOnWhoIsNamed) {
  const auto all = json({"--all"}), one = json({"a"}), others = json({"c", "a"});
  EXPECT_EQ(guest(one, "a"), guest(all, "a"));
  EXPECT_EQ(guest(others, "a"), guest(all, "a"));
  EXPECT_EQ(guest(one, "b"), nullptr);
}

TEST_F(Vdu, OrderAndWordsDoNotMatter) {
  EXPECT_EQ(rows({"a", "b", "c"}), rows({"c", "b", "a"}));
  EXPECT_EQ(rows({"a", "b"}), rows({*guests_ / "vs/b", *guests_ / "config/a/vdir", "a"}));
}

TEST_F(Vdu, SharedFileIsDividedAndWhatIsLeftOverIsTheLowestXids) {
  const auto report = json({"--all"});
  const auto a = guest(report, "a"), b = guest(report, "b");
  EXPECT_EQ(a["shared"], b["shared"]);
  EXPECT_EQ(a["xid"], 70);
  EXPECT_EQ(a["deunify_need"], a["shared"]);
  EXPECT_EQ(b["fair"].get<int>() - b["exclusive"].get<int>(), b["shared"].get<int>() / 2);
}

TEST_F(Vdu, TableIsInTheOrderThatIsAskedFor) {
  const auto first = [](const Words& words) { return rows(words).at(1).substr(0, 1); };
  EXPECT_EQ(first({"a", "b", "c"}), "a");
  EXPECT_EQ(first({"a", "b", "c", "--reverse"}), "c");
  EXPECT_EQ(first({"a", "b", "c", "--sort", "exclusive", "--reverse"}), "b");
  EXPECT_EQ(rows({"a", "b", "c", "--top", "1"}).size(), 3u);  // and head and total
  EXPECT_EQ(rows({"a", "b", "c", "--threshold", "60K"}).size(), 3u);
}

TEST_F(Vdu, ColumnsAddUp) {
  std::vector<std::uint64_t> sums(6), total(6);
  for (const auto& row : rows({"--all", "-b"})) {
    std::istringstream words(row);
    std::string name;
    words >> name;
    if (name == "GUEST" || name == "df" || name == "unattributed") continue;
    for (auto& sum : name == "total" ? total : sums) {
      std::string number;
      words >> number;
      std::erase(number, ',');
      sum += std::stoull(number);
    }
  }
  EXPECT_EQ(sums, total);
}

TEST_F(Vdu, DirectoryIsToldWithAllBeneathIt) {
  const auto a = guest(json({"a", "--depth", "2"}), "a");
  ASSERT_EQ(a["parts"].size(), 2u) << a.dump();
  EXPECT_EQ(a["parts"][0]["name"], "/usr");
  EXPECT_EQ(a["parts"][0]["inodes"], 3);
  EXPECT_EQ(a["parts"][1]["name"], "/usr/lib");
}

TEST_F(Vdu, PackageIsToldWithItsFiles) {
  install(*guests_, "vs/a", {{"pkg", "1.1", {"/usr/lib/g"}}});
  const auto a = guest(json({"a", "--by", "package"}), "a");
  ASSERT_EQ(a["parts"].size(), 2u) << a.dump();
  EXPECT_EQ(a["parts"][1]["name"], "pkg 1.1");
  EXPECT_EQ(a["parts"][1]["inodes"], 1);
  EXPECT_EQ(a["parts"][0]["fair"].get<int>() + a["parts"][1]["fair"].get<int>(), a["fair"]);
  std::filesystem::remove_all(*guests_ / "vs/a/var");
}

TEST_F(Vdu, ContentIsToldByAllItsNames) {
  const auto contents = json({"--all", "--by", "content"})["contents"];
  ASSERT_EQ(contents.size(), 1u);
  EXPECT_EQ(contents[0]["guests"], 2);
  EXPECT_EQ(contents[0]["names"][0]["path"], "f");
}

TEST_F(Vdu, DeletedButOpenIsNamedApart) {
  const Fd file = open_host(fs_->root() + "/gone", O_RDWR | O_CREAT | O_EXCL);
  write_all(file.get(), std::string(1 << 20, 'x'), "gone");
  std::filesystem::remove(fs_->root() + "/gone");
  EXPECT_EQ(json({"a"})["filesystems"][0]["unattributed"]["deleted_open"], 1 << 20);
  EXPECT_NE(told({"a"}).find("1.0 MiB deleted but open"), std::string::npos);
}

// Left by whoever cannot go on.
TEST_F(Vdu, DeletedButOpenByAStoppedProcessIsSeen) {
  const auto path = fs_->root() + "/gone";
  const auto child = ::fork();
  if (child == 0) {
    const Fd file = open_host(path, O_RDWR | O_CREAT | O_EXCL);
    write_all(file.get(), std::string(1 << 20, 'x'), path);
    std::filesystem::remove(path);
    ::raise(SIGSTOP);
    ::_exit(0);
  }
  int status = 0;
  ASSERT_EQ(::waitpid(child, &status, WUNTRACED), child);
  EXPECT_EQ(json({"a"})["filesystems"][0]["unattributed"]["deleted_open"], 1 << 20);
  ::kill(child, SIGKILL);
  ::waitpid(child, &status, 0);
}

TEST_F(Vdu, WhatCannotBeReadIsMissingAndSaid) {
  guests_->write("vs/c/closed/f", std::string(50'000, 'x'));
  ASSERT_EQ(::chown((*guests_ / "vs/c/closed").c_str(), 33, 33), 0);
  ASSERT_EQ(::chmod((*guests_ / "vs/c/closed").c_str(), 0), 0);
  const auto finished = shell("setpriv --bounding-set=-dac_override,-dac_read_search " VUNIFY_BIN_DIR "/vdu --config " +
                              (*guests_ / "config") + " --state " + (*guests_ / "state") + " a c");
  EXPECT_EQ(finished.status, 1) << finished.err;
  EXPECT_NE(finished.err.find("c: /closed: Permission denied"), std::string::npos) << finished.err;
  EXPECT_NE(finished.out.find("all sums are \"at least\""), std::string::npos) << finished.out;
  std::filesystem::remove_all(*guests_ / "vs/c/closed");
}

TEST_F(Vdu, GuestThatIsOffIsAHolderNoLess) {
  const auto before = guest(json({"a"}), "a");
  {
    const StateDir state(*guests_ / "state");
    OffList off(state.path());
    HostGuest b;
    b.provider = "vserver", b.name = "b", b.root = *guests_ / "vs/b";
    off.set_off(b);
    off.keep(state);
  }
  EXPECT_EQ(guest(json({"a"}), "a"), before);
  EXPECT_EQ(json({"--all"})["guests"].size(), 4u);
  std::filesystem::remove_all(*guests_ / "state");
}

TEST_F(Vdu, WhatIsNeverUnifiedCountsAsWell) {
  const std::uint64_t before = guest(json({"c"}), "c")["logical"];
  guests_->fill({"c"}, "dev/shm/f", std::string(50'000, 'x'));
  EXPECT_GE(guest(json({"c"}), "c")["logical"], before + 50'000);
  std::filesystem::remove_all(*guests_ / "vs/c/dev");
}

TEST_F(Vdu, NamesReachNobodyRaw) {
  const auto name = "=x\n\t\",\xff<\xe2\x80\xa8" + std::string(244, 'n');
  const auto path = fs_->root() + "/" + name + "/</script>";
  ASSERT_EQ(name.size(), 255u);
  std::filesystem::create_directories(path);
  const auto text = told({path});
  EXPECT_NE(text.find("/=x\\n\\t\",\\xFF<\\xE2\\x80\\xA8nnn"), std::string::npos) << text;
  EXPECT_NE(told({path, "--csv"}).find("\"" + fs_->root() + "/=x\n\t\"\",\xff"), std::string::npos);
  EXPECT_EQ(json({path})["guests"][0]["name_base64"], base64(path));
  EXPECT_EQ(told({path, "--null"}).substr(told({path, "--null"}).find('\t') + 1), path + std::string(1, '\0'));
  told({path, "--ncdu", *guests_ / "ncdu"});
  EXPECT_NE(guests_->read("ncdu").find("/=x\\u000a\\u0009\\\",\xff<"), std::string::npos) << guests_->read("ncdu");
  EXPECT_EQ(told({path, "--prometheus", *guests_ / "vunify.prom"}), "");
  const auto prom = guests_->read("vunify.prom");
  EXPECT_TRUE(is_utf8(prom) && prom.ends_with("\n"));
  EXPECT_NE(prom.find("=x\\n\t\\\",\xEF\xBF\xBD<"), std::string::npos) << prom;
  std::filesystem::remove_all(fs_->root() + "/" + name);
}

TEST_F(Vdu, WhyTellsWhatAFileCostsWhom) {
  const auto shared = told({"--why", "a", "/f"});
  EXPECT_NE(shared.find("that b, a share: each is charged"), std::string::npos) << shared;
  EXPECT_NE(shared.find("b: /f\n"), std::string::npos) << shared;
  EXPECT_EQ(told({"--why", "a", "usr/lib/g"}), "usr/lib/g: a alone has it: 49.0 KiB, which would be free if it went\n");
  EXPECT_EQ(vdu({"--why", "a", "nothing"}).status, 2);
}

TEST_F(Vdu, WhyFollowsTheSymlinksOfTheGuest) {
  std::filesystem::create_directory_symlink("/usr/lib", *guests_ / "vs/a/lib");
  EXPECT_EQ(told({"--why", "a", "/lib/g"}), "usr/lib/g: a alone has it: 49.0 KiB, which would be free if it went\n");
  std::filesystem::remove(*guests_ / "vs/a/lib");
}

// a, usr, usr/lib and g; f by its two names is of both, as nobody has marked it.
TEST_F(Vdu, OldFormIsAsItWas) {
  const auto a = *guests_ / "vs/a";
  EXPECT_EQ(told({"--xid", "70", "--inodes", a}), a + " 5\n");
  EXPECT_EQ(told({"--xid", ":a", "--space", "--inodes", "--script", a}), "150 5\n");
  EXPECT_EQ(told({"--xid", "a", "--space", "--blocksize", "512", a}), a + " 300\n");
  EXPECT_EQ(told({"--xid", "60", "--inodes", "--script", a, *guests_ / "vs/b"}), "0\n2\n");
  EXPECT_EQ(vdu({"--xid", "60", a}).status, 2);
  EXPECT_EQ(vdu({"--xid", "60", "--space", a + "/nowhere"}).status, 1);
}

// c has no number: what is in it is the host's.
TEST_F(Vdu, OldFormKnowsTheGuestsBeneathADirectory) {
  const auto all = *guests_ / "vs";
  EXPECT_EQ(told({"--xid", "70", "--inodes", "--script", all}), "5\n");
  EXPECT_EQ(told({"--xid", "b", "--inodes", "--script", all}), "2\n");
  EXPECT_EQ(told({"--xid", "0", "--inodes", "--script", all}), "3\n");
}

TEST_F(Vdu, SharedFileHasNoXid) {
  guests_->write("vs/a/marked", "shared");
  const Fd file = open_host(*guests_ / "vs/a/marked", O_RDWR);
  set_mark(file.get(), {fs_id(file.get()), stat_fd(file.get()).ino});
  EXPECT_EQ(told({"--xid", "0", "--inodes", "--script", *guests_ / "vs/a"}), "1\n");
  std::filesystem::remove(*guests_ / "vs/a/marked");
}

TEST_F(Vdu, WhatIsKeptIsToldAsOfThen) {
  keep(0, 1000);
  EXPECT_EQ(guest(json({"b"}), "b")["logical"], 1000);
  EXPECT_NE(told({"a"}).find("; --fresh walks now."), std::string::npos);
  EXPECT_NE(guest(json({"b", "--fresh"}), "b")["logical"], 1000);
  EXPECT_EQ(json({"--all"})["filesystems"][0]["path"], fs_->root());  // c was not there then: all are walked
  std::filesystem::remove_all(*guests_ / "state");
}

TEST_F(Vdu, AfterASignalNothingIsTold) {
  const auto finished = run({"strace", "-f", "-qq", "-o", "/dev/null", "-e", "inject=getdents64:signal=SIGTERM:when=9",
                             VUNIFY_BIN_DIR "/vdu", "--config", *guests_ / "config", "--all"});
  EXPECT_EQ(finished.status, 143) << finished.err;
  EXPECT_EQ(finished.out, "");
}

TEST_F(Vdu, UnknownNameIsOneLine) {
  const auto finished = vdu({"a", "nobody"});
  EXPECT_EQ(finished.status, 2);
  EXPECT_EQ(finished.out, "");
  EXPECT_EQ(vdu({"./nowhere"}).status, 2);
  EXPECT_EQ(vdu({}).status, 2);
}

}  // namespace
}  // namespace vunify::test
