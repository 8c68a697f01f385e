// SPDX-License-Identifier: Apache-2.0
#include "packages/path_rules.h"

#include <fnmatch.h>
#include <gtest/gtest.h>

#include <random>

namespace vunify::test {
namespace {

TEST(PathRules, HoldForWhatIsBeneath) {
  PathRules rules;
  rules.add("+etc\n");
  EXPECT_EQ(rules.rule_of("etc"), PathRule::changed);
  EXPECT_EQ(rules.rule_of("etc/a/b"), PathRule::changed);
  EXPECT_EQ(rules.rule_of("etcetera"), PathRule::none);
  EXPECT_EQ(rules.rule_of("usr/etc/a"), PathRule::none);
}

TEST(PathRules, TheLastOneCounts) {
  PathRules rules;
  rules.add("# apk's own\n+etc\n@etc/init.d\n!etc/apk\r\n\n-etc/ca-*/\nusr/local\n");
  EXPECT_EQ(rules.rule_of("etc/init.d/x"), PathRule::symlinks_only);
  EXPECT_EQ(rules.rule_of("etc/apk/world"), PathRule::all);
  EXPECT_EQ(rules.rule_of("etc/ca-certificates/x/y"), PathRule::none);
  EXPECT_EQ(rules.rule_of("usr/local/x"), PathRule::changed);
}

TEST(PathRules, ADeeperOneCountsMore) {
  PathRules rules;
  rules.add("-etc/a/*\n+etc/a\n");
  EXPECT_EQ(rules.rule_of("etc/a/b"), PathRule::none);
  EXPECT_EQ(rules.rule_of("etc/a"), PathRule::changed);
}

TEST(PathRules, AreRefusedByTheThousand) {
  PathRules rules;
  std::string text;
  for (int i = 0; i < 1001; ++i) text += "+a\n";
  EXPECT_THROW(rules.add(text), std::runtime_error);
  EXPECT_THROW(PathRules().add(std::string(2000, 'a')), std::runtime_error);
}

// Held against fnmatch(3), which does the same and takes its time.
TEST(Glob, MatchesWhatFnmatchDoes) {
  std::mt19937 random(1);
  const auto text_of = [&](std::string_view letters, int length) {
    std::string text;
    for (int i = 0; i < length; ++i) text += letters[random() % letters.size()];
    return text;
  };
  for (int i = 0; i < 200'000; ++i) {
    const auto pattern = text_of("aab*?/", random() % 8), path = text_of("aab/", random() % 8);
    const bool expected = ::fnmatch(pattern.c_str(), path.c_str(), FNM_PATHNAME) == 0;
    ASSERT_EQ(matches_glob(pattern, path), expected) << pattern << " " << path;
  }
}

TEST(Glob, TakesBracketsAndBackslashes) {
  EXPECT_TRUE(matches_glob("[a-c]x", "bx"));
  EXPECT_FALSE(matches_glob("[!a-c]x", "bx"));
  EXPECT_TRUE(matches_glob("[]]", "]"));
  EXPECT_TRUE(matches_glob("[", "["));
  EXPECT_TRUE(matches_glob("\\*", "*"));
  EXPECT_FALSE(matches_glob("\\*", "x"));
  EXPECT_FALSE(matches_glob("a[!b]c", "a/c"));
}

TEST(Glob, IsNotStretchedByStars) {
  std::string stars;
  for (int i = 0; i < 300; ++i) stars += "*a";
  EXPECT_FALSE(matches_glob(stars + "b", std::string(4000, 'a')));
}

}  // namespace
}  // namespace vunify::test
