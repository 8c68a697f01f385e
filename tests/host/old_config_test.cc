// SPDX-License-Identifier: Apache-2.0
#include "host/old_config.h"

#include <gtest/gtest.h>

#include "host/config_file.h"

namespace vunify::test {
namespace {

std::string context(const std::string& script) {
  const auto found = shell_assignment(script, "S_CONTEXT", "x.conf");
  return found ? found->value + "@" + std::to_string(found->line) : "none";
}

int refused_line(const std::string& script) {
  try {
    shell_assignment(script, "S_CONTEXT", "x.conf");
    return 0;
  } catch (const Misconfigured& error) {
    return error.mistake.line;
  }
}

TEST(OldConfig, IsAListOfAssignments) {
  EXPECT_EQ(context("IPROOT=10.0.0.1\nS_CONTEXT=100\nONBOOT=yes\n"), "100@2");
  EXPECT_EQ(context("ONBOOT=no; S_CONTEXT=100"), "100@1");
  EXPECT_EQ(context("A=1 S_CONTEXT=100 B=2"), "100@1");
}

TEST(OldConfig, KnowsQuotesCommentsAndExport) {
  EXPECT_EQ(context("#S_CONTEXT=5\n  S_CONTEXT=\"100\" # S_CONTEXT=6\n"), "100@2");
  EXPECT_EQ(context("S_CONTEXT='100'\r\n"), "100@1");
  EXPECT_EQ(context("export S_CONTEXT=100 ULIMIT\n"), "100@1");
  EXPECT_EQ(context("S_CONTEXT=1\\\n00"), "100@1");
  EXPECT_EQ(context("S_CONTEXT=1\"0\"'0'"), "100@1");
}

TEST(OldConfig, CountsTheLastAssignment) { EXPECT_EQ(context("S_CONTEXT=100\nS_CONTEXT=101\n"), "101@2"); }

TEST(OldConfig, WithoutTheVariableHasNone) {
  EXPECT_EQ(context(""), "none");
  EXPECT_EQ(context("S_CONTEXT_OLD=100\nMY_S_CONTEXT=100"), "none");
  EXPECT_EQ(context("S_CONTEXT="), "@1");
}

TEST(OldConfig, IsNotMisledByWhatStandsInQuotes) {
  EXPECT_EQ(context("S_CONTEXT=100\nULIMIT='-H\nS_CONTEXT=5\n'\n"), "100@1");
  EXPECT_EQ(context("S_CONTEXT=100\nULIMIT=\"\\\"\nS_CONTEXT=5\n\"\n"), "100@1");
}

TEST(OldConfig, LetsOtherVariablesBeComputed) {
  EXPECT_EQ(context("ULIMIT=\"-u $MAX\"\nIPROOT=`ip`\nS_CONTEXT=100\n. /etc/common\n"), "100@3");
}

TEST(OldConfig, ThatHasToBeComputedIsRefused) {
  for (const auto* script : {"\nS_CONTEXT=$X", "\nS_CONTEXT=`x`", "\nS_CONTEXT=\"$X\"", "\nS_CONTEXT=$(x)",
                             "\nS_CONTEXT=$((1+1))", "\nS_CONTEXT=(1 2)", "\nS_CONTEXT=5 | x", "\nS_CONTEXT=5&"})
    EXPECT_EQ(refused_line(script), 2) << script;
  EXPECT_EQ(context("S_CONTEXT='$X'"), "$X@1");
}

TEST(OldConfig, OfWhichOnlyAShellKnowsTheEndIsRefused) {
  for (const auto* script : {"\nS_CONTEXT=5 true", "\nunset S_CONTEXT", "\ntest -f x && S_CONTEXT=5", "\nS_CONTEXT+=5",
                             "\nreadonly S_CONTEXT=5", "if x; then\nS_CONTEXT=5; fi", "f() {\nS_CONTEXT=5; }",
                             "case x in\nS_CONTEXT=5 ;; esac"})
    EXPECT_EQ(refused_line(script), 2) << script;
}

TEST(OldConfig, WithAQuoteWithoutAnEndIsRefused) {
  EXPECT_EQ(refused_line("S_CONTEXT=100\nULIMIT=\"-H\n\n"), 2);
  EXPECT_EQ(refused_line("\n\nULIMIT='"), 3);
}

}  // namespace
}  // namespace vunify::test
