// SPDX-License-Identifier: Apache-2.0
#include "tools/cli.h"

#include <fcntl.h>
#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <unistd.h>

#include <algorithm>

#include "sys/fd.h"
#include "tests/scratch.h"

namespace vunify {
namespace {

using testing::ElementsAre;
using testing::EndsWith;
using testing::HasSubstr;
using testing::StartsWith;

struct Arguments {
  bool dry_run = false;
  std::string protect = "auto";
  std::uint64_t min_size = 0;
  unsigned jobs = 0;
  std::optional<std::chrono::seconds> max_time;
  std::vector<std::string> rules, operands, tail;
  unsigned verbosity = 0;
};

Arguments parse(std::vector<std::string> words, bool with_tail = false) {
  Arguments given;
  CommandLine line("[options] DIR...", "A test.");
  line.flag("-n,--dry-run", given.dry_run, "change nothing");
  line.option("--protect", "WORD", choice_into(given.protect, {"auto", "reflink"}), "how");
  line.option("--min-size", "SIZE", size_into(given.min_size), "least");
  line.option("-j,--jobs", "N", count_into(given.jobs), "threads");
  line.option("--max-time", "TIME", duration_into(given.max_time), "how long");
  line.option("--exclude", "PATTERN", into(given.rules), "leave out");
  line.option(
      "--exclude-from", "FILE", [&](const std::string& file) { given.rules.push_back("file " + file); }, "more");
  line.option(
      "--open", "FILE", [](const std::string& file) { open_host(file, O_RDONLY); }, "a file");
  line.flag("-v,--verbose", given.verbosity, "say more");
  line.operands("DIR", given.operands, "guests");
  if (with_tail) line.tail("WORD", 2, given.tail, "the rest");
  words.insert(words.begin(), "tool");
  std::vector<char*> argv;
  for (auto& word : words) argv.push_back(word.data());
  line.parse(static_cast<int>(argv.size()), argv.data());
  return given;
}

std::string complaint(const std::vector<std::string>& words) {
  try {
    parse(words);
    return "";
  } catch (const Failed& failed) {
    EXPECT_EQ(failed.exit, Exit::usage);
    return failed.what();
  }
}

TEST(CommandLine, ReadsOptionsAnywhere) {
  const auto given = parse({"a", "--min-size", "4K", "b", "-n", "--max-time=2h", "-j", "3", "--protect", "reflink"});
  EXPECT_TRUE(given.dry_run);
  EXPECT_EQ(given.min_size, 4096u);
  EXPECT_EQ(given.jobs, 3u);
  EXPECT_EQ(given.max_time, std::chrono::hours(2));
  EXPECT_EQ(given.protect, "reflink");
  EXPECT_THAT(given.operands, ElementsAre("a", "b"));
}

TEST(CommandLine, KeepsTheOrderOfValuesAcrossOptions) {
  const auto given = parse({"--exclude", "- /a", "--exclude-from", "f", "--exclude=-/c", "--exclude", "[xy],[z]"});
  EXPECT_THAT(given.rules, ElementsAre("- /a", "file f", "-/c", "[xy],[z]"));
}

TEST(CommandLine, TakesOperandsAsTheyAre) {
  const std::vector<std::string> odd = {"[a,b]", "{}", "%%", "a b", "\xff", "x=y", "--", "-n", "--exclude"};
  EXPECT_THAT(parse(odd).operands, ElementsAre("[a,b]", "{}", "%%", "a b", "\xff", "x=y", "-n", "--exclude"));
}

TEST(CommandLine, TakesATailBehindTwoOperands) {
  EXPECT_THAT(parse({"a", "b", "-n", "--", "c", "-d"}, true).tail, ElementsAre("c", "-d"));
  EXPECT_THAT(parse({"a", "b", "--", "c"}, true).operands, ElementsAre("a", "b"));
  for (const auto& words : std::vector<std::vector<std::string>>{{"--", "a", "b"}, {"a", "--", "b"}}) {
    EXPECT_THAT(parse(words, true).operands, ElementsAre("a", "b"));
    EXPECT_TRUE(parse(words, true).tail.empty());
  }
}

TEST(CommandLine, CountsAFlag) {
  EXPECT_EQ(parse({}).verbosity, 0u);
  EXPECT_EQ(parse({"-vv", "a", "-nv", "--verbose"}).verbosity, 4u);
}

TEST(CommandLine, ComplainsInOneLine) {
  EXPECT_EQ(complaint({"--min-size", "12Q"}), "--min-size: 12Q: not a size");
  EXPECT_EQ(complaint({"--max-time", "soon"}), "--max-time: soon: not a time");
  EXPECT_EQ(complaint({"--protect=magic"}), "--protect: magic: not one of auto, reflink");
  EXPECT_EQ(complaint({"-j", "0"}), "--jobs: 0: not a number from 1 to 4096");
  EXPECT_EQ(complaint({"-j", "4K"}), "--jobs: 4K: not a number from 1 to 4096");
  EXPECT_EQ(complaint({"--open", "/nowhere"}), "--open: /nowhere: No such file or directory");
  EXPECT_EQ(complaint({"--min-size", "\x1b"}), "--min-size: \\x1B: not a size");
}

TEST(CommandLine, RefusesWhatItDoesNotKnow) {
  for (const auto& words : std::vector<std::vector<std::string>>{{"--nonsense"},
                                                                 {"-z"},
                                                                 {"--min-size"},
                                                                 {"--dry-run=maybe"},
                                                                 {"--dry-run=false"},
                                                                 {"--a\nb"},
                                                                 {"a", "--b", "c"}}) {
    const auto text = complaint(words);
    EXPECT_THAT(text, EndsWith(" --help)")) << words[0];
    EXPECT_EQ(text.find('\n'), std::string::npos) << text;
  }
}

using test::run;
using test::shell;

TEST(Tools, AllAnswerHelpAndVersion) {
  for (const std::string tool : {"vunify", "setattr", "showattr"}) {
    const auto help = run({tool, "--help"});
    EXPECT_EQ(help.status, 0);
    EXPECT_THAT(help.out, StartsWith("Usage: " + tool + " ["));
    EXPECT_EQ(help.err, "");
    EXPECT_EQ(run({tool, "--version"}).out, tool + " " VUNIFY_VERSION "\n");
  }
}

TEST(Tools, ExitTwoOnAWrongCommandLine) {
  for (const std::string tool : {"vunify", "setattr", "showattr"}) {
    const auto wrong = run({tool, "--nonsense"});
    EXPECT_EQ(wrong.status, 2);
    EXPECT_EQ(wrong.out, "");
    EXPECT_THAT(wrong.err, StartsWith(tool + ": "));
    EXPECT_EQ(std::ranges::count(wrong.err, '\n'), 1);
  }
}

TEST(Tools, NoticeAFullDiskBehindStandardOutput) {
  const auto full = shell("\"" VUNIFY_BIN_DIR "/showattr\" -d / > /dev/full");
  EXPECT_EQ(full.status, 5);
  EXPECT_EQ(full.err, "showattr: standard output: No space left on device\n");
}

TEST(Tools, NoticeThatStandardOutputIsClosed) {
  const auto closed = shell("\"" VUNIFY_BIN_DIR "/showattr\" --version >&-");
  EXPECT_EQ(closed.status, 5);
  EXPECT_THAT(closed.err, HasSubstr("standard output: Bad file descriptor"));
}

}  // namespace
}  // namespace vunify
