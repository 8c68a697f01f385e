// SPDX-License-Identifier: Apache-2.0
#include <fcntl.h>

#include <filesystem>
#include <optional>
#include <sstream>

#include "account/history.h"
#include "host/root_key.h"
#include "sys/fd.h"
#include "sys/mark.h"
#include "tests/root_test.h"
#include "tests/tools/configured_guests.h"
#include "tests/tools/packages_of.h"
#include "tools/text.h"

namespace vunify::test {
namespace {

using Words = std::vector<std::string>;
using Json = nlohmann::json;

// Guests a, b and c: f is of a and b, g of a alone, once in usr/lib, h of c.
class Vdu : public RootTest {
 protected:
  static void SetUpTestSuite() {
    if (!is_root()) return;
    fs_.emplace("ext4", 64);
    guests_.emplace(Words{"a", "b", "c"}, fs_->root());
    guests_->set("a/context", "70");
    guests_->set("b/context", "60");
    guests_->fill({"a"}, "f", std::string(100'000, 'f'));
    guests_->fill({"a"}, "usr/lib/g", std::string(50'000, 'g'));
    guests_->fill({"c"}, "h", std::string(30'000, 'h'));
    std::filesystem::create_hard_link(*guests_ / "vs/a/f", *guests_ / "vs/b/f");
  }
  static void TearDownTestSuite() {
    guests_.reset();
    fs_.reset();
  }

  static Finished vdu(const Words& words) {
    Words command = {"vdu", "--config", *guests_ / "config", "--state", *guests_ / "state"};
    command.insert(command.end(), words.begin(), words.end());
    return run(command);
  }
  static std::string told(const Words& words) {
    const auto finished = vdu(words);
    EXPECT_EQ(finished.status, 0) << finished.err;
    return finished.out;
  }
  static Json json(Words words) {
    words.push_back("--json");
    return Json::parse(told(words), nullptr, false);
  }
  static Json guest(const Json& report, const std::string& name) {
    for (const auto& one : report["guests"])
      if (one["name"] == name) return one;
    return nullptr;
  }
  // The lines of a table without those below it, where the time stands.
  static Words rows(const Words& words) {
    Words rows;
    std::istringstream text(told(words));
    for (std::string line; std::getline(text, line) && !line.starts_with("/");) rows.push_back(line);
    return rows;
  }

  static inline std::optional<LoopFs> fs_;
  static inline std::optional<ConfiguredGuests> guests_;
};

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

TEST_F(Vdu, NamesReachNobodyRaw) {
  const std::string name = "=x\n\",\xff<\xe2\x80\xa8";
  const auto path = fs_->root() + "/" + name;
  std::filesystem::create_directory(path);
  EXPECT_NE(told({path}).find("/=x\\n\",\\xFF<\\xE2\\x80\\xA8  "), std::string::npos);
  EXPECT_NE(told({path, "--csv"}).find("\"" + fs_->root() + "/=x\n\"\",\xff"), std::string::npos);
  EXPECT_EQ(json({path})["guests"][0]["name_base64"], base64(path));
  const auto file = *guests_ / "vunify.prom";
  EXPECT_EQ(told({path, "--prometheus", file}), "");
  const auto text = guests_->read("vunify.prom");
  EXPECT_TRUE(is_utf8(text) && text.ends_with("\n"));
  EXPECT_NE(text.find("=x\\n\\\",\xEF\xBF\xBD<"), std::string::npos) << text;
  std::filesystem::remove(path);
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

TEST_F(Vdu, SharedFileHasNoXid) {
  guests_->write("vs/a/marked", "shared");
  const Fd file = open_host(*guests_ / "vs/a/marked", O_RDWR);
  set_mark(file.get(), {fs_id(file.get()), stat_fd(file.get()).ino});
  EXPECT_EQ(told({"--xid", "0", "--inodes", "--script", *guests_ / "vs/a"}), "1\n");
  std::filesystem::remove(*guests_ / "vs/a/marked");
}

TEST_F(Vdu, WhatIsKeptIsToldAsOfThen) {
  std::filesystem::create_directories(*guests_ / "state");
  Sample sample{
      .fs = fs_id(open_host(fs_->root(), O_RDONLY).get()), .path = "/then", .taken = clock_now(), .holders = {}};
  for (const std::string name : {"a", "b"})
    sample.holders.push_back(
        {name, *root_key(*guests_ / ("vs/" + name), read_mounts()), {}, {.logical = 1000, .fair = 500}});
  History(*guests_ / "state", lmdb::Access::write).keep({sample});
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
