// SPDX-License-Identifier: Apache-2.0
#include "tests/nights.h"

#include <fcntl.h>
#include <sys/mount.h>
#include <unistd.h>

#include <cstdlib>
#include <filesystem>
#include <map>
#include <optional>
#include <sstream>
#include <stdexcept>

#include "sys/fd.h"

namespace vunify::test {
namespace {

using Words = Nights::Words;

std::string line_of(const Words& command) {
  const auto finished = run(command);
  must(finished);
  return finished.out.substr(0, finished.out.find('\n'));
}

// One line a call: what strace tells in two is put together.
Words calls_of(const std::string& trace) {
  Words calls;
  std::map<std::string, std::string> begun;  // by thread
  std::istringstream lines(trace);
  for (std::string line; std::getline(lines, line);) {
    const auto thread = line.substr(0, line.find(' '));
    const auto cut = line.find(" <unfinished ...>");
    const auto resumed = line.find(" resumed>");
    if (cut != line.npos)
      begun[thread] = line.substr(0, cut);
    else
      calls.push_back(resumed == line.npos ? line : begun[thread] + line.substr(resumed + 9));
  }
  return calls;
}

struct Opened {
  int directory = -1;  // where the name was looked up
  std::string path;    // of what came of it
};

// "12 openat2(8</>, "f", {flags=O_RDONLY...}, 24) = 14</f>"
std::optional<Opened> opened_by(const std::string& call) {
  const auto arguments = call.find('('), result = call.rfind(" = ");
  if (arguments == call.npos || result == call.npos) return std::nullopt;
  const auto from = call.find('<', result), to = call.rfind('>');
  if (from == call.npos || to < from) return std::nullopt;
  return Opened{std::atoi(call.c_str() + arguments + 1), call.substr(from + 1, to - from - 1)};
}

int number_after(const std::string& call, const char* text) { return std::atoi(call.c_str() + call.rfind(text) + 3); }

bool is_the_hosts(const std::string& path) {
  for (const auto* top :
       {"/proc/", "/sys/", "/lib/", "/usr/", "/etc/", "/dev/", "/tmp/tsan."})  // the last is ThreadSanitizer's
    if (path.starts_with(top)) return true;
  return false;
}

// What protection is tried on: a file of our own, that has this name or none.
bool is_probe(const std::string& path) { return path.ends_with("/.vunify/probe") || path.find("/#") != path.npos; }

// Every regular file that was opened to be read or written, by its path on the host. A guest is seen through a mount of
// its own (RootDir::make_view), whose paths begin at its root.
Words opened_files(const std::string& trace) {
  Words files;
  std::map<int, std::string> views;
  for (const auto& call : calls_of(trace)) {
    const auto opened = opened_by(call);
    if (!opened) continue;
    if (call.find("OPEN_TREE_CLONE") != call.npos) {
      const auto from = call.find('<'), to = call.find('>');
      views[number_after(call, " = ")] = call.substr(from + 1, to - from - 1);
    } else if (call.find("O_DIRECTORY") == call.npos && call.find("O_PATH") == call.npos) {
      const auto view = views.find(opened->directory);
      files.push_back(view == views.end() ? opened->path : view->second + opened->path);
    }
  }
  return files;
}

}  // namespace

Nights::Nights(const std::string& kind, Words guests, std::string protect)
    : fs_(kind), root_(fs_.root()), guests_(std::move(guests)), protect_(std::move(protect)) {
  if (!ok()) return;
  for (const auto& guest : guests_) std::filesystem::create_directories(*this / guest);
}

Nights::~Nights() {
  if (ok() && root_ != fs_.root()) ::umount2(root_.c_str(), MNT_DETACH);
}

void Nights::write(const std::string& path, const std::string& content) const {
  const auto slash = path.rfind('/');
  std::filesystem::create_directories(*this / path.substr(0, slash));
  const Fd file = open_host(*this / path, O_WRONLY | O_CREAT | O_TRUNC, 0644);
  write_all(file.get(), content, path);
  const timespec times[2] = {{1577836800, 0}, {1577836800, 0}};
  check(::futimens(file.get(), times), "futimens", path);
}

void Nights::replace(const std::string& path, const std::string& content) const {
  const auto all = "find '" + root_ + "' -xdev -inum " + std::to_string(ino(path));
  must(shell(all + " -exec chattr -i {} + ; rm '" + *this / path + "'; " + all + " -exec chattr +i {} +"));
  write(path, content);
}

void Nights::rest() const { ::usleep(60'000); }

std::uint64_t Nights::ino(const std::string& path) const {
  const auto found = stat_name(AT_FDCWD, (*this / path).c_str());
  if (!found) throw std::runtime_error(path + " is not there");
  return found->ino;
}

bool Nights::are_one(const std::string& one, const std::string& other) const { return ino(one) == ino(other); }

Words Nights::command(const Words& options) const {
  Words words{"vunify", "--state", state_dir(), "--protect", protect_, "--jobs=1"};
  words.insert(words.end(), options.begin(), options.end());
  for (const auto& guest : guests_) words.push_back(*this / guest);
  return words;
}

Finished Nights::run(const Words& options) const { return test::run(command(options)); }

Night Nights::night(const Words& options) const {
  auto with_json = options;
  with_json.push_back("--json");
  auto vunify = command(with_json);
  vunify[0] = VUNIFY_BIN_DIR "/vunify";
  const auto trace = state_ / "trace";
  Words words{"strace", "-f",  "-qq", "-y",
              "-o",     trace, "-e",  "trace=open,openat,openat2,open_by_handle_at,creat,open_tree"};
  words.insert(words.end(), vunify.begin(), vunify.end());
  Night night;
  night.finished = test::run(words);
  night.report = nlohmann::json::parse(night.finished.out, nullptr, false);
  for (const auto& path : opened_files(state_.read("trace")))
    if (path.starts_with(root_ + "/") && !is_probe(path))
      night.opened.insert(path.substr(root_.size() + 1));
    else if (!path.starts_with(root_ + "/") && !path.starts_with(state_.root()) && !is_the_hosts(path))
      night.opened.insert(path);  // what we cannot tell must not go unseen
  return night;
}

std::vector<std::map<std::string, std::string>> Nights::images() const {
  std::vector<std::map<std::string, std::string>> images;
  for (const auto& guest : guests_) images.push_back(image_of(*this / guest));
  return images;
}

void Nights::unmount() {
  if (!unmount_loop(root_, fs_.device())) throw std::runtime_error(root_ + " is in use");
}

void Nights::mount() { must(test::run({"mount", "-o", "loop", fs_.device(), root_})); }

// Whoever else attaches one meanwhile: a loop device that gets the old number is held until another one is mounted.
void Nights::mount_elsewhere() {
  const auto device = line_of({"findmnt", "-no", "SOURCE", root_});
  unmount();
  elsewhere_.make_directory("mounted");
  root_ = elsewhere_ / "mounted";
  Words attached;
  do attached.push_back(line_of({"losetup", "-f", "--show", fs_.device()}));
  while (attached.back() == device);
  must(test::run({"mount", attached.back(), root_}));
  for (const auto& each : attached) must(test::run({"losetup", "-d", each}));  // the mounted one goes with its mount
}

std::string text(char letter, std::size_t size) { return std::string(size, letter); }

void fill(const Nights& nights) {
  for (const std::string guest : {"a/", "b/"}) {
    for (std::size_t i = 0; i < 12; ++i) nights.write(guest + "usr/same" + std::to_string(i), text('s', 3000 + i));
    for (std::size_t i = 0; i < 12; ++i) nights.write(guest + "etc/own" + std::to_string(i), text(guest[0], 900 + i));
    nights.write(guest + "usr/twice", text('t'));
    nights.write(guest + "home/me", text('h', 77));
  }
  nights.write("a/usr/again", text('t'));
  nights.write("a/usr/linked", text('l', 2222));
  std::filesystem::create_hard_link(nights / "a/usr/linked", nights / "a/usr/linked2");
  nights.write("b/usr/linked", text('l', 2222));
  nights.write("a/alone", text('x', 12345));
  nights.rest();
}

nlohmann::json status_of(const Nights& nights) {
  const auto status = run({"vunify", "--status", "--json", "--state", nights.state_dir()});
  EXPECT_EQ(status.status, 0) << status.err;
  return nlohmann::json::parse(status.out, nullptr, false);
}

void expect_nothing_is_opened(const Nights& nights, const char* when) {
  const auto quiet = nights.night();
  EXPECT_EQ(quiet.finished.status, 0) << when << quiet.finished.err;
  EXPECT_EQ(quiet.finished.err, "") << when;
  EXPECT_EQ(quiet.opened, std::set<std::string>()) << when;
  EXPECT_EQ(quiet.report["read_files"], 0) << when;
  EXPECT_EQ(quiet.report["linked_files"], 0) << when;
}

}  // namespace vunify::test
