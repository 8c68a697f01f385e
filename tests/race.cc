// SPDX-License-Identifier: Apache-2.0
#include "tests/race.h"

#include <fcntl.h>
#include <gmock/gmock.h>
#include <sys/mount.h>
#include <sys/stat.h>

#include <cstdio>
#include <cstdlib>
#include <thread>

#include "guest/adopted.h"

namespace vunify::test {
namespace {

// verb: "--protect=..." or "-R". What went wrong with it; nothing where all went well. The racers live in the
// guests, with all capabilities.
std::string run_vunify(Race& race, const std::string& verb) {
  std::vector<std::string> command{"vunify", "--state", race.fs / "state", "-q", "--insist", verb};
  command.insert(command.end(), race.guests.begin(), race.guests.end());
  const auto ran = run(command);
  ++race.racers.course().runs;
  // 1: some file could not be done, which is to be expected here; but nothing may be left in staging.
  const auto said = ran.out + ran.err;
  const bool well = (ran.status == 0 || ran.status == 1) && said.find("left in staging") == std::string::npos &&
                    said.find("turned away") == std::string::npos;
  return well ? "" : verb + ": " + std::to_string(ran.status) + " " + said;
}

void unify_and_back(Race& race, std::chrono::seconds time) {
  const auto end = std::chrono::steady_clock::now() + time;
  do {
    race.wrong = run_vunify(race, is_race_on_vcow() ? "--protect=cow" : protect_by_flag());
    if (race.wrong.empty()) race.wrong = run_vunify(race, "-R");
  } while (race.wrong.empty() && std::chrono::steady_clock::now() < end);
}

// iunlink is kept by ext4 alone of these.
std::vector<const char*> kinds() {
  if (by_flag() == Protection::iunlink) return {"ext4"};
  return {"ext4", "xfs", "btrfs"};
}

void show_by_vcow(const std::string& guest, const std::string& state) {
  must(run({"vcow", "adopt", "--state", state, guest}));
  must(run({"vcow", "mount", "--state", state, guest}));
}

}  // namespace

bool is_race_on_vcow() { return std::getenv("VUNIFY_RACE_VCOW") != nullptr; }

Race::~Race() {
  if (!is_race_on_vcow()) return;
  for (const auto& guest : guests) {
    ::umount2(guest.c_str(), MNT_DETACH);
    run({"flock", "-w", "300", adopted_path(guest), "true"});
  }
}

void set_common_mtime(int fd) {
  const timespec times[2] = {{1577836800, 0}, {1577836800, 0}};
  check(::futimens(fd, times), "futimens");
}

void make_common(const std::string& path, const std::string& content) {
  const Fd file(check(::open(path.c_str(), O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0644), "open", path));
  write_all(file.get(), content, path);
  set_common_mtime(file.get());
}

Races::Races(const std::vector<std::string>& guests, const std::function<void(const std::string& root)>& fill) {
  for (const char* kind : kinds()) {
    races_.push_back(std::make_unique<Race>(kind));
    auto& race = *races_.back();
    if (!race.fs.ok()) return;
    for (const auto& guest : guests) {
      race.guests.push_back(race.fs / guest);
      check(::mkdir(race.guests.back().c_str(), 0755), "mkdir");
      fill(race.guests.back());
      if (is_race_on_vcow()) show_by_vcow(race.guests.back(), race.fs / "state");
    }
  }
}

std::string Races::reason() const { return races_.back()->fs.reason(); }

void Races::run(std::chrono::seconds time) {
  std::vector<std::thread> threads;
  for (auto& race : races_) threads.emplace_back([&race, time] { unify_and_back(*race, time); });
  for (auto& thread : threads) thread.join();
  for (const auto& race : races_) {
    EXPECT_EQ(race->wrong, "");
    EXPECT_THAT(race->racers.stop([&] { run_vunify(*race, "-R"); }), testing::IsEmpty());
    EXPECT_GT(race->racers.course().done, 0U);
    std::printf("%lu runs\n", race->racers.course().runs.load());
  }
  std::printf("%lu changes, %lu refused\n", total(&Course::done), total(&Course::refused));
}

std::uint64_t Races::total(std::atomic<std::uint64_t> Course::*counter) const {
  std::uint64_t sum = 0;
  for (const auto& race : races_) sum += race->racers.course().*counter;
  return sum;
}

}  // namespace vunify::test
