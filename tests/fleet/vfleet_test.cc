// SPDX-License-Identifier: Apache-2.0
#include <arpa/inet.h>
#include <gmock/gmock.h>
#include <sys/socket.h>
#include <sys/stat.h>

#include <filesystem>
#include <nlohmann/json.hpp>
#include <thread>

#include "sys/fd.h"
#include "tests/fleet/fleet_server.h"
#include "tests/tools/configured_guests.h"
#include "tests/tools/made_history.h"

namespace vunify::test {
namespace {

using testing::HasSubstr;
using testing::Not;
using testing::StartsWith;
using Words = std::vector<std::string>;
using Json = nlohmann::json;

const std::string secret = "the secret of all hosts of this fleet, 57 letters long...";

// Says that it has no TLS to whoever asks on a port of this machine.
class ServerWithoutTls {
 public:
  ServerWithoutTls() : socket_(check(::socket(AF_INET, SOCK_STREAM, 0), "socket")) {
    sockaddr_in address{};
    address.sin_family = AF_INET;
    address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    auto* const any = reinterpret_cast<sockaddr*>(&address);
    check(::bind(socket_.get(), any, sizeof address), "bind");
    check(::listen(socket_.get(), 8), "listen");
    socklen_t size = sizeof address;
    check(::getsockname(socket_.get(), any, &size), "getsockname");
    port_ = ntohs(address.sin_port);
    thread_ = std::thread([this] { answer(); });
  }
  ~ServerWithoutTls() { thread_.join(); }
  int port() const { return port_; }

 private:
  void answer() const {
    const Fd client(check(::accept(socket_.get(), nullptr, nullptr), "accept"));
    char request[8];
    EXPECT_EQ(::read(client.get(), request, sizeof request), 8);
    EXPECT_EQ(::write(client.get(), "N", 1), 1);
    EXPECT_EQ(::read(client.get(), request, sizeof request), 0) << "nothing else is sent";
  }
  Fd socket_;
  int port_ = 0;
  std::thread thread_;
};

class Vfleet : public FleetTest {
 protected:
  void SetUp() override {
    if (!is_root()) GTEST_SKIP() << "needs root";
    configure(guests_, "web7");
    guests_.fill({"web", "db"}, "usr/bin/tool", std::string(100'000, 'x'));
    keep(guests_, history(8));
  }

  void configure(const ConfiguredGuests& guests, const std::string& name) const {
    guests.set(".defaults/apps/vunify/fleet/connection", connection());
    guests.set(".defaults/apps/vunify/fleet/key", secret);
    guests.set(".defaults/apps/vunify/fleet/name", name);
    ::chmod((guests / "config/.defaults/apps/vunify/fleet/key").c_str(), 0600);
  }
  static void keep(const ConfiguredGuests& guests, const std::vector<Sample>& samples) {
    std::filesystem::create_directories(guests / "state");
    History(guests / "state", lmdb::Access::write).keep(samples);
  }
  static Words command(const ConfiguredGuests& guests, const Words& options) {
    Words words{"vfleet", "push", "--config", guests / "config", "--state", guests / "state"};
    words.insert(words.end(), options.begin(), options.end());
    return words;
  }
  Finished push(const Words& options = {}) const { return run(command(guests_, options)); }
  Finished report(Words options) const {
    options.insert(options.begin(), {"vfleet", "report", "--config", guests_ / "config"});
    return run(options);
  }
  std::string told(const Words& options) const {
    const auto finished = report(options);
    EXPECT_EQ(finished.status, 0) << finished.err;
    return finished.out;
  }

  const ConfiguredGuests guests_{{"web", "db"}};
};

TEST_F(Vfleet, PushesWhatItReports) {
  const auto pushed = push();
  EXPECT_EQ(pushed.status, 0) << pushed.err;
  EXPECT_EQ(pushed.out + pushed.err, "");
  const auto text = told({});
  EXPECT_THAT(text, HasSubstr("\nweb7         /vm  "));
  EXPECT_THAT(text, HasSubstr("20.0 MiB a day"));
  EXPECT_THAT(text, HasSubstr("hosts: 1, guests: 2; 2.1 GiB used, 7.7 GiB free, 900.0 MiB saved"));
  const auto json = Json::parse(told({"--json", "--host", "web7"}));
  EXPECT_EQ(json["filesystems"][0]["used"], 2'140 * mib);
  EXPECT_EQ(json["guests"].size(), 3u);
}

TEST_F(Vfleet, LeavesTheSameTwice) {
  push();
  const auto once = tables();
  EXPECT_EQ(push().status, 0);
  EXPECT_EQ(tables(), once);
}

TEST_F(Vfleet, TellsWhereAGuestFits) {
  const ConfiguredGuests others({"mail"});
  configure(others, "mail3");
  others.fill({"mail"}, "usr/bin/tool", std::string(100'000, 'x'));
  keep(others, history(8));
  push();
  EXPECT_EQ(run(command(others, {})).status, 0);
  EXPECT_THAT(told({"--fit", "web"}), HasSubstr("web on web7: 97.7 KiB of files"));
  EXPECT_THAT(told({"--fit", "web7:web"}), HasSubstr("mail3        0 B       97.7 KiB  7.7 GiB"));
  const auto moved = told({"--move", "web", "mail3"});
  EXPECT_THAT(moved, HasSubstr("frees   170.0 MiB on web7"));
  EXPECT_THAT(moved, HasSubstr("takes   0 B on mail3, which has 97.7 KiB of it already"));
  EXPECT_THAT(moved, HasSubstr("saves   170.0 MiB over both hosts"));
  EXPECT_EQ(report({"--fit", "nobody"}).status, 2);
  sql("DELETE FROM fleet_usage; UPDATE fleet_host SET available = NULL");
  EXPECT_EQ(report({"--move", "web", "mail3"}).status, 2);
  EXPECT_THAT(told({"--fit", "web"}), HasSubstr("97.7 KiB  not known"));
  EXPECT_EQ(report({"--move", "web", "nowhere"}).status, 2);
  EXPECT_THAT(report({"--move", "web", "nowhere"}).err, HasSubstr("no host nowhere has pushed to the fleet"));
  EXPECT_THAT(report({"--move", "web", "web7"}).err, HasSubstr("web: is on web7 already"));
  EXPECT_EQ(report({"--host", "nowhere"}).status, 2);
}

TEST_F(Vfleet, CountsAllThatAGuestHoldsAndEachInodeOnce) {
  guests_.write("vs/web/home/admin/photos", std::string(300'000, 'p'));
  guests_.write("vs/web/var/lib/postgresql/15/main/base/1", std::string(200'000, 'd'));
  guests_.make_directory("vs/web/opt");
  std::filesystem::create_hard_link(guests_ / "vs/web/usr/bin/tool", guests_ / "vs/web/opt/tool");
  push();
  EXPECT_THAT(told({"--fit", "web"}), HasSubstr("web on web7: 585.9 KiB of files"));  // 600,000 bytes
}

TEST_F(Vfleet, NamesTheHostsThatHaveAGuestOfThisName) {
  push();
  for (int i = 1; i <= 6; ++i)
    sql("INSERT INTO fleet_sketch (host, guest, day, least, sample) SELECT 'x" + std::to_string(i) +
        "', guest, day, least, sample FROM fleet_sketch WHERE host = 'web7' AND guest = 'web'");
  EXPECT_THAT(report({"--fit", "web"}).err,
              HasSubstr("web: is on 7 hosts: web7, x1, x2, x3, x4, and 2 more; see HOST:GUEST"));
}

TEST_F(Vfleet, WantsANameAndAConnectionThatAreSome) {
  guests_.set(".defaults/apps/vunify/fleet/name", "bad name!");
  EXPECT_THAT(push().err, HasSubstr("fleet/name: bad name! is no host name"));
  guests_.set(".defaults/apps/vunify/fleet/connection", "");
  EXPECT_THAT(report({}).err, HasSubstr("fleet/connection: is empty"));
}

TEST_F(Vfleet, SaysOnWhichFilesystemAGuestIs) {
  push();
  EXPECT_THAT(told({"--host", "web7"}), HasSubstr("\n(host)         /vm  500.0 MiB"));
}

TEST_F(Vfleet, FinishesWhatWasKilledAtAnyStep) {
  std::filesystem::remove_all(guests_ / "state");
  keep(guests_, history(1));
  push();
  const auto whole = tables();
  int step = 1;
  for (bool is_killed = true; is_killed; ++step) {
    empty_tables();
    auto words = command(guests_, {});
    words.insert(words.begin(), {"strace", "-qq", "-f", "-o", "/dev/null", "-e", "trace=sendto", "-e",
                                 "inject=sendto:signal=KILL:when=" + std::to_string(step)});
    is_killed = run(words).status != 0;
    EXPECT_EQ(push().status, 0);
    EXPECT_EQ(tables(), whole) << step;
  }
  EXPECT_GT(step, 8);
}

TEST_F(Vfleet, GivesTheKeyToNobody) {
  auto words = command(guests_, {});
  words.insert(words.begin(), {"strace", "-f", "-s", "1000000", "-o", guests_ / "sent", "-e", "trace=sendto,execve"});
  EXPECT_EQ(run(words).status, 0);
  EXPECT_THAT(guests_.read("sent"), HasSubstr("INSERT INTO fleet_sketch"));
  EXPECT_THAT(guests_.read("sent"), Not(HasSubstr(secret.substr(0, 12))));
}

TEST_F(Vfleet, IsNothingWhereNoneIsConfigured) {
  std::filesystem::remove_all(guests_ / "config/.defaults/apps/vunify/fleet");
  for (const auto& finished : {push(), report({})}) {
    EXPECT_EQ(finished.status, 2);
    EXPECT_THAT(finished.err, HasSubstr("/apps/vunify/fleet/"));
  }
}

TEST_F(Vfleet, WantsAKeyThatIsRootsAlone) {
  ::chmod((guests_ / "config/.defaults/apps/vunify/fleet/key").c_str(), 0640);
  EXPECT_THAT(push().err, HasSubstr("fleet/key: has to be root's alone"));
  guests_.set(".defaults/apps/vunify/fleet/key", "short");
  ::chmod((guests_ / "config/.defaults/apps/vunify/fleet/key").c_str(), 0600);
  EXPECT_THAT(push().err, HasSubstr("fleet/key: a key has 32 characters"));
  EXPECT_EQ(sql("SELECT count(*) FROM fleet_host"), "0\n");
}

TEST_F(Vfleet, TakesNoPasswordFromWhatAnybodyReads) {
  guests_.set(".defaults/apps/vunify/fleet/connection", connection() + " password=letmein");
  const auto finished = push();
  EXPECT_EQ(finished.status, 2);
  EXPECT_THAT(finished.err, HasSubstr("a password stands in a file of its own"));
  EXPECT_THAT(finished.err, Not(HasSubstr("letmein")));
}

TEST_F(Vfleet, SaysWhoMakesTheTables) {
  sql("DROP TABLE fleet_top, fleet_host");
  const auto finished = push();
  EXPECT_EQ(finished.status, 5);
  EXPECT_THAT(finished.err, HasSubstr("an admin makes the tables: vfleet schema | psql"));
  EXPECT_EQ(run({"vfleet", "schema"}).out, fleet_ddl());
}

TEST_F(Vfleet, RefusesASecondMachineOfOneName) {
  push();
  guests_.write("machine-id", std::string(32, '7') + "\n");
  std::string line;
  for (const auto& word : command(guests_, {})) line += "'" + word + "' ";
  const std::string other =
      "unshare -m sh -c \"mount --bind " + guests_ / "machine-id" + " /etc/machine-id && exec " + line;
  const auto finished = shell(other + "\"");
  EXPECT_EQ(finished.status, 3);
  EXPECT_THAT(finished.err, HasSubstr("web7: another machine has pushed by this name, with usage until " +
                                      date_of(day_of(clock_now()))));
  EXPECT_EQ(shell(other + "--take-over\"").status, 0);
  EXPECT_EQ(push().status, 3);
}

TEST_F(Vfleet, HidesNamesWhereItIsAskedTo) {
  push();
  EXPECT_EQ(push({"--anonymous"}).status, 0);
  EXPECT_THAT(tables(), Not(HasSubstr(",web,")));
  EXPECT_THAT(sql("SELECT DISTINCT guest FROM fleet_usage ORDER BY 1"), StartsWith("(host)\nhidden-"));
  EXPECT_THAT(told({"--fit", "web", "--anonymous"}), StartsWith("hidden-"));
}

TEST_F(Vfleet, StoresNamesThatAreNoText) {
  keep(guests_, history(1, {1, 2, 0}, "caf\xe9\n"));
  const auto finished = push();
  EXPECT_EQ(finished.status, 0);
  EXPECT_THAT(finished.err, HasSubstr("a guest's name is no text: stored as caf\\xE9\\n"));
  EXPECT_EQ(sql("SELECT guest FROM fleet_usage WHERE guest LIKE 'caf%'"), "caf\\xE9\\n\n");
}

TEST_F(Vfleet, WantsTheServersCertificate) {
  const ServerWithoutTls server;
  guests_.set(".defaults/apps/vunify/fleet/connection",
              "hostaddr=127.0.0.1 gssencmode=disable port=" + std::to_string(server.port()));
  const auto finished = push();
  EXPECT_EQ(finished.status, 5);
  EXPECT_THAT(finished.err, HasSubstr("server does not support SSL, but SSL was required"));
}

}  // namespace
}  // namespace vunify::test
