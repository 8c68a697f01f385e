// SPDX-License-Identifier: Apache-2.0
// The less usual ways to a change, each on a shared file: names exchanged, ways to open and to write, and which bits
// and attributes go or stay with a broken link.
#include <sys/sendfile.h>
#include <sys/stat.h>

#include "tests/fuse/guest_mount.h"

namespace vunify::test {
namespace {

struct Way {
  const char* name;
  void (*change)(const std::string& path);
  const char* after;
};

Fd source_beside(const std::string& path) { return open_host(path.substr(0, path.rfind('/')) + "/source", O_RDONLY); }
void send(const std::string& path) {
  check(::sendfile(open_host(path, O_WRONLY).get(), source_beside(path).get(), nullptr, 6), "sendfile", path);
}
void splice_into(const std::string& path) {
  int ends[2];
  check(::pipe2(ends, O_CLOEXEC), "pipe");
  const Fd reads(ends[0]), writes(ends[1]);
  write_all(writes.get(), "SPL", "pipe");
  check(::splice(reads.get(), nullptr, open_host(path, O_WRONLY).get(), nullptr, 3, 0), "splice", path);
}
void write_direct(const std::string& path) {
  alignas(4096) static const char block[4096] = {'D'};
  check(::pwrite(open_host(path, O_WRONLY | O_DIRECT).get(), block, sizeof block, 0), "pwrite", path);
  check(::truncate(path.c_str(), 1), "truncate", path);
}
void punch(const std::string& path) {
  const Fd file = open_host(path, O_WRONLY);
  check(::fallocate(file.get(), FALLOC_FL_PUNCH_HOLE | FALLOC_FL_KEEP_SIZE, 0, 6), "fallocate", path);
  write_all(file.get(), "PUNCHD", path);
}
void set_append(const std::string& path) {
  const Fd file = open_host(path, O_WRONLY);
  check(::fcntl(file.get(), F_SETFL, O_APPEND), "F_SETFL");
  write_all(file.get(), "A", path);
}

const Way ways[] = {
    {"sendfile", send, "source\n"},
    {"splice", splice_into, "SPLred\n"},
    {"direct", write_direct, "D"},
    {"punch", punch, "PUNCHD\n"},
    {"append_later", set_append, "shared\nA"},
    {"creat", [](const std::string& path) { open_host(path, O_CREAT | O_RDWR, 0600); }, "shared\n"},
    {"creat_truncate", [](const std::string& path) { open_host(path, O_CREAT | O_WRONLY | O_TRUNC, 0600); }, ""},
    {"ftruncate", [](const std::string& path) { resize(open_host(path, O_RDWR).get(), 2, path); }, "sh"},
};

class Ways : public GuestMount {
 protected:
  std::uint32_t mode_of(const std::string& path) const { return dir().inode("guest/" + path).mode & 07777; }
  Finished as_user(const std::string& script) const {
    return shell("cd " + mine("") + " && setpriv --reuid=1000 --regid=1000 --clear-groups sh -c '" + script + "'");
  }
};

TEST_P(Ways, ToWriteBreakTheLink) {
  for (const auto& way : ways) share(way.name, "shared\n");
  write("source", "source");
  mount();
  for (const auto& way : ways) {
    SCOPED_TRACE(way.name);
    way.change(mine(way.name));
    EXPECT_FALSE(is_shared(way.name));
    EXPECT_EQ(read(way.name), way.after);
  }
}

TEST_P(Ways, ToWriteReadOnlyFilesAreRoots) {
  share("f");
  must(run({"chmod", "444", others("f")}));
  mount();
  write_all(open_host(mine("f"), O_WRONLY | O_APPEND).get(), "x", "f");
  EXPECT_EQ(mode_of("f"), 0444u);
}

TEST_P(Ways, ToExchangeASharedFileWithAnOwn) {
  share("shared", "shared\n");
  write("own", "own\n");
  mount();
  EXPECT_EQ(read("shared") + read("own"), "shared\nown\n");
  check(::renameat2(AT_FDCWD, mine("own").c_str(), AT_FDCWD, mine("shared").c_str(), RENAME_EXCHANGE), "renameat2");
  for (const auto* name : {"own", "shared"}) write_all(open_host(mine(name), O_WRONLY | O_APPEND).get(), "x", name);
  EXPECT_EQ(read("own"), "shared\nx");
  EXPECT_EQ(read("shared"), "own\nx");
}

TEST_P(Ways, ToMoveASharedFileOverAnother) {
  share("f", "one\n");
  share("g", "two\n");
  mount();
  const Fd replaced = open_host(mine("g"), O_RDONLY);
  check(::rename(mine("f").c_str(), mine("g").c_str()), "rename");
  write_all(open_host(mine("g"), O_WRONLY | O_APPEND).get(), "x", "g");
  EXPECT_EQ(read("g"), "one\nx");
  EXPECT_EQ(read_all(replaced.get(), "g"), "two\n");
  EXPECT_EQ(dir().names("guest"), std::vector<std::string>{"g"});
}

TEST_P(Ways, ToMoveANameOfAStickyDirectoryAreItsOwners) {
  share("d/f");
  mount();
  must(run({"chmod", "1777", mine("d")}));
  EXPECT_NE(as_user("mv d/f d/g").status, 0);
  EXPECT_NE(as_user("rm -f d/f").status, 0);
  EXPECT_TRUE(is_shared("d/f"));
}

TEST_P(Ways, ThatTakeSetuidAway) {
  const std::map<std::string, std::string> scripts = {
      {"truncate", "truncate -s 3 truncate"}, {"empty", "> empty"}, {"write", "printf x >> write"}};
  for (const auto& [name, script] : scripts) share(name);
  share("owner");
  must(shell("cd " + others("") + " && chmod 6777 *"));
  mount();
  for (const auto& [name, script] : scripts) {
    must(as_user(script));
    EXPECT_EQ(mode_of(name), 0777u) << name;
  }
  check(::chown(mine("owner").c_str(), 5, 5), "chown");
  EXPECT_EQ(mode_of("owner"), 0777u);
}

TEST_P(Ways, ThatLeaveSetgidOfAForeignGroup) {
  for (const auto* name : {"times", "linked", "attribute", "root"}) share(name);
  must(shell("cd " + others("") + " && chown 3:50 * && chmod 6755 *"));
  mount();
  must(shell("cd " + mine("") + " && touch -d @5 times && ln linked link && setfattr -n user.a -v b attribute && " +
             "truncate -s 2 root"));
  for (const auto* name : {"times", "linked", "attribute", "root"}) {
    EXPECT_EQ(mode_of(name), 06755u) << name;
    EXPECT_FALSE(is_shared(name)) << name;
  }
}

TEST_P(Ways, ThatLeaveCapabilitiesAndAcls) {
  for (const auto* name : {"chmod", "times"}) share(name);
  must(shell("cd " + others("") + " && setfacl -m u:7:r * && setcap cap_net_raw+ep chmod cap_net_raw+ep times"));
  mount();
  must(shell("cd " + mine("") + " && chmod 640 chmod && touch -d @5 times"));
  for (const auto* name : {"chmod", "times"}) {
    EXPECT_NE(run({"getcap", mine(name)}).out, "") << name;
    EXPECT_NE(run({"getfacl", "-n", mine(name)}).out.find("user:7:r"), std::string::npos) << name;
  }
}

INSTANTIATE_TEST_SUITE_P(BothWays, Ways, everywhere, name_of_each);

}  // namespace
}  // namespace vunify::test
