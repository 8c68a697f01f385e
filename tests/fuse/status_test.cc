// SPDX-License-Identifier: Apache-2.0
// vcow status: what a daemon holds, and who broke links of which files.
#include "fuse/status.h"

#include <gmock/gmock.h>

#include <csignal>
#include <nlohmann/json.hpp>

#include "tests/fuse/guest_mount.h"
#include "tests/fuse/limited_guest.h"
#include "tests/stop_process.h"

namespace vunify::test {
namespace {

using testing::AllOf;
using testing::HasSubstr;
using testing::Not;
using Json = nlohmann::json;

class VcowStatus : public GuestMount {
 protected:
  Finished status(std::vector<std::string> options) const {
    options.insert(options.begin(), {"vcow", "status", "--config", dir() / "config"});
    options.push_back(mine(""));
    return run(options);
  }
  Json json(int exit = 0) const {
    const auto finished = status({"--json"});
    EXPECT_EQ(finished.status, exit) << finished.err;
    return Json::parse(finished.out, nullptr, false).at(0);
  }
};

TEST_P(VcowStatus, TellsWhoBrokeWhat) {
  share("bin/tool", std::string(50'000, 'x'));
  share("f");
  mount();
  must(run({"cp", "/bin/chmod", dir() / "other chmod\n"}));
  must(run({dir() / "other chmod\n", "700", mine("bin/tool")}));
  must(run({"touch", "-d", "2001-01-01", mine("f")}));
  const auto told = json(), breaks = told["serving"]["breaks"];
  EXPECT_EQ(told["links_broken"], 2);
  EXPECT_EQ(breaks["by_program"]["first"][0]["program"], "other chmod?");
  EXPECT_EQ(breaks["by_program"]["first"][1]["program"], "touch");
  EXPECT_EQ(breaks["by_path"]["first"][0]["path"], "/bin/tool");
  EXPECT_GE(breaks["by_path"]["first"][0]["bytes_copied"], 50'000);
  EXPECT_EQ(breaks["by_path"]["others"]["links_broken"], 0);
  EXPECT_EQ(breaks["last_path"], "/f");
}

TEST_P(VcowStatus, TellsWhatIsHeld) {
  share("etc/f");
  mount();
  const Fd file = open_host(mine("etc/f"), O_RDONLY);
  const auto serving = json()["serving"];
  EXPECT_GE(serving["nodes"], 3);
  EXPECT_GT(serving["node_bytes"], 0);
  EXPECT_EQ(serving["open_files"], 1);
  EXPECT_EQ(serving["backing_files"], json()["passthrough"] == true ? 1 : 0);
  EXPECT_EQ(serving["open_directories"], 1);
  EXPECT_EQ(serving["limit"], nullptr);
  EXPECT_GE(json()["process"]["threads"], 3);
  write("gone", "");
  const Fd gone = open_host(mine("gone"), O_RDONLY);
  check(::unlink(mine("gone").c_str()), "unlink");
  EXPECT_EQ(json()["serving"]["held_inodes"], 1);
}

TEST_P(VcowStatus, OfAProcessThatDoesNotAnswerIsWhatItNoted) {
  mount();
  const int daemon = worker_of(mine(""));
  stop_process(daemon);
  const auto told = json(1);
  check(::kill(daemon, SIGCONT), "kill");
  EXPECT_EQ(told["serving"], nullptr);
  EXPECT_EQ(told["why_silent"], "gave no answer within a second");
  EXPECT_EQ(told["pid"], daemon_of(mine("")));
}

TEST_P(VcowStatus, ForPrometheusHasNoWordOfTheGuest) {
  share("secret-name");
  mount();
  must(run({"chmod", "700", mine("secret-name")}));
  must(status({"--prometheus", dir() / "metrics"}));
  const auto metrics = dir().read("metrics");
  EXPECT_THAT(metrics, AllOf(HasSubstr("vunify_vcow_up{guest="), HasSubstr("vunify_vcow_broken_links_total{")));
  EXPECT_THAT(metrics, AllOf(Not(HasSubstr("secret-name")), Not(HasSubstr("chmod"))));
}

INSTANTIATE_TEST_SUITE_P(BothWays, VcowStatus, both_ways, name_of_each);

class VcowStatusLimited : public LimitedOn {};

TEST_P(VcowStatusLimited, TellsTheLimitAndWhatIsLeft) {
  const auto used = counted();
  limited_mount({20 * block, no_limit});
  const auto finished = run({"vcow", "status", "--json", "--config", "/var/empty", mine("")});
  const auto limit = Json::parse(finished.out, nullptr, false).at(0)["serving"]["limit"];
  EXPECT_EQ(limit["space_total"], used.space + 20 * block);
  EXPECT_EQ(limit["space_free"], 20 * block);
  EXPECT_EQ(limit["inodes_total"], nullptr);
}

INSTANTIATE_TEST_SUITE_P(Ext4, VcowStatusLimited, testing::Values("ext4"), name_of_each);

TEST(Serving, IsReadOfAnOlderDaemonAndRefusedOfNone) {
  const auto serving = serving_from(R"({"nodes":3,"node_bytes":4096})");
  EXPECT_EQ(serving.nodes, 3u);
  EXPECT_EQ(serving.open_files, 0u);
  EXPECT_FALSE(serving.limit);
  EXPECT_THROW(serving_from("{"), std::invalid_argument);
  EXPECT_THROW(serving_from("[]"), std::invalid_argument);
}

TEST(Serving, KeepsEveryByteOfAName) {
  const auto serving = serving_from(
      "{\"nodes\":1,\"node_bytes\":1,\"breaks\":{\"by_program\":[],\"by_path\":[[\"/\xC3\xBF\xC2\x80\",1,2]],"
      "\"last_program\":\"a\",\"last_path\":\"/\"}}");
  EXPECT_EQ(serving.breaks.by_path.at(0).name, "/\xFF\x80");
}

}  // namespace
}  // namespace vunify::test
