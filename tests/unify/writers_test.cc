// SPDX-License-Identifier: Apache-2.0
// Writers of every kind against proof, link and protection: no write is lost, and none is seen by another guest.
#include <fcntl.h>
#include <gtest/gtest.h>
#include <sys/mman.h>
#include <unistd.h>

#include <memory>

#include "tests/race.h"

namespace vunify::test {
namespace {

constexpr unsigned files = 24;

std::string leaf(unsigned k) { return "/f" + std::to_string(k); }

// What all guests have at first, and again after each change: else there would be nothing to unify.
std::string common(unsigned k) {
  std::string text;
  while (text.size() < 20000) text += "common " + std::to_string(k) + "\n";
  return text;
}

Fd open_path(const std::string& path, int flags) { return Fd(::open(path.c_str(), flags | O_CLOEXEC, 0644)); }

std::string read_path(const std::string& path) {
  const Fd fd = open_path(path, O_RDONLY);
  check(fd.get(), "open to read", path);
  return read_all(fd.get(), path);
}

// Writes in its own way; remembers what it wrote; every name must show that.
class Writer : public Racer {
 public:
  explicit Writer(std::string name) : name_(std::move(name)) {
    for (unsigned k = 0; k < files; ++k) written_.push_back(common(k));
  }

  void act() override {
    const unsigned k = below(files);
    look(k, "before a change");
    change(k, name_ + " was here " + std::to_string(++round_) + "\n");
    look(k, "after a change");
    ::usleep(below(8) == 0 ? 20000 : below(500));
    look(k, "some time after a change");
    if (written_[k] != common(k)) give_back(k);
    look(k, "given back");
  }

  void finish() override {
    for (unsigned k = 0; k < files; ++k) look(k, "at the end");
  }

 private:
  void look(unsigned k, const std::string& when) const {
    const auto found = read_path(leaf(k));
    if (found == written_[k]) return;
    complain(leaf(k) + " " + when + " (" + way_ + "): has " + head(found) + ", should have " + head(written_[k]));
  }

  static std::string head(const std::string& text) {
    return std::to_string(text.size()) + " bytes '" + text.substr(0, text.find('\n')) + "..." +
           text.substr(text.size() - std::min<std::size_t>(text.size(), 24));
  }

  void change(unsigned k, const std::string& text) {
    switch (below(7)) {
      case 0:
        return write_anew(k, text, 0);
      case 1:
        return write_anew(k, text, O_NONBLOCK);
      case 2:
        return append(k, text);
      case 3:
        return cut(k);
      case 4:
        return cut_open(k);
      case 5:
        return write_mapped(k, text);
      default:
        return replace(k, text);
    }
  }

  void write_anew(unsigned k, const std::string& text, int flags) {
    way_ = flags == 0 ? "write" : "write, O_NONBLOCK";
    const Fd fd = open_path(leaf(k), O_WRONLY | O_TRUNC | flags);
    if (refused(!fd, "open")) return;
    write_all(fd.get(), text, leaf(k));
    note(k, text);
  }

  void append(unsigned k, const std::string& text) {
    way_ = "append";
    const Fd fd = open_path(leaf(k), O_WRONLY | O_APPEND);
    if (refused(!fd, "open")) return;
    write_all(fd.get(), text, leaf(k));
    note(k, written_[k] + text);
  }

  void cut(unsigned k) {
    way_ = "truncate";
    if (refused(::truncate(leaf(k).c_str(), 100) != 0, "truncate")) return;
    note(k, written_[k].substr(0, 100));
  }

  void cut_open(unsigned k) {
    way_ = "ftruncate";
    const Fd fd = open_path(leaf(k), O_RDWR);
    if (refused(!fd, "open")) return;
    check(::ftruncate(fd.get(), 200), "ftruncate");
    note(k, written_[k].substr(0, 200));
  }

  // The descriptor is closed long before the bytes are written.
  void write_mapped(unsigned k, const std::string& text) {
    way_ = "mmap";
    Fd fd = open_path(leaf(k), O_RDWR);
    if (refused(!fd, "open")) return;
    void* map = ::mmap(nullptr, written_[k].size(), PROT_READ | PROT_WRITE, MAP_SHARED, fd.get(), 0);
    if (map == MAP_FAILED) throw_errno("mmap");
    { const Fd closed = std::move(fd); }
    ::usleep(below(2000));
    text.copy(static_cast<char*>(map), text.size());
    ::msync(map, written_[k].size(), MS_ASYNC);
    ::munmap(map, written_[k].size());
    note(k, text + written_[k].substr(text.size()));
  }

  // By another name each time: one that stays, for its place was refused, may be shared by then, and immutable.
  std::string make_new(const std::string& text) {
    auto path = "/new" + std::to_string(made_++);
    make_common(path, text);
    return path;
  }

  void replace(unsigned k, const std::string& text) {
    way_ = "rename";
    if (refused(::rename(make_new(text).c_str(), leaf(k).c_str()) != 0, "rename")) return;
    note(k, text);
  }

  // In place or by a new file, with the common mtime: now it may be unified again.
  void give_back(unsigned k) {
    if (below(2) == 0) {
      way_ = "rename back";
      if (refused(::rename(make_new(common(k)).c_str(), leaf(k).c_str()) != 0, "rename")) return;
      return note(k, common(k));
    }
    way_ = "write back";
    const Fd fd = open_path(leaf(k), O_WRONLY | O_TRUNC);
    if (refused(!fd, "open")) return;
    write_all(fd.get(), common(k), leaf(k));
    set_common_mtime(fd.get());
    note(k, common(k));
  }

  void note(unsigned k, std::string text) {
    written_[k] = std::move(text);
    ++course().done;
  }

  std::string name_;
  std::string way_ = "nothing yet";
  std::vector<std::string> written_;
  unsigned round_ = 0, made_ = 0;
};

// A guest that never writes: nothing of the others may show in it.
class Onlooker : public Racer {
 public:
  void act() override {
    finish();
    ::usleep(500);
  }
  void finish() override {
    for (unsigned k = 0; k < files; ++k)
      if (read_path(leaf(k)) != common(k)) complain(leaf(k) + " shows what its guest never wrote");
  }
};

void fill(const std::string& root) {
  for (unsigned k = 0; k < files; ++k) make_common(root + leaf(k), common(k));
}

TEST(Writers, LoseNothingAndAreSeenByNobodyElse) {
  Races races({"a", "b", "c"}, fill);
  if (!races.reason().empty()) GTEST_SKIP() << races.reason();
  for (const auto& race : races.each()) {
    race->racers.start(race->guests[0], [] { return std::make_unique<Writer>("a"); });
    race->racers.start(race->guests[1], [] { return std::make_unique<Writer>("b"); });
    race->racers.start(race->guests[2], [] { return std::make_unique<Onlooker>(); });
  }
  races.run(race_time());
  if (is_race_on_vcow()) return;  // there a write breaks the link
  EXPECT_GT(races.total(&Course::refused), 0U) << "they never met a protected file";
}

}  // namespace
}  // namespace vunify::test
