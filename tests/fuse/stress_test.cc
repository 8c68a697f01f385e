// SPDX-License-Identifier: Apache-2.0
// Three guests that share everything, each mounted, eight processes in each, which do with their files whatever
// programs do. Each process owns its names and remembers what every one of them leads to. So that links are broken to
// the end, and not in the first second only, the guests are served by sharing_vcow: what nobody has open is another's,
// too, whenever it is touched; and that other one is looked at all the time.
#include <fcntl.h>
#include <gmock/gmock.h>
#include <sys/mman.h>
#include <sys/mount.h>
#include <sys/stat.h>
#include <sys/xattr.h>

#include <algorithm>
#include <filesystem>
#include <thread>

#include "sys/mark.h"
#include "tests/eventually.h"
#include "tests/fuse/guest_mount.h"
#include "tests/racers.h"

namespace vunify::test {
namespace {

constexpr unsigned processes = 8, names = 12, directories = 3, never_written = 40;

std::string common(unsigned k) { return std::string(3000 + 700 * k, static_cast<char>('a' + k % 26)); }
std::string untouched(unsigned k) { return "/kept/" + std::to_string(k); }
std::string own(unsigned process, unsigned k) {
  return "/d" + std::to_string(k % directories) + "/" + std::to_string(process) + "." + std::to_string(k);
}

struct Content {
  std::string bytes;
  mode_t mode = 0644;
  std::string attribute{};
};

class Program : public Racer {
 public:
  explicit Program(unsigned number) : number_(number) {
    for (unsigned k = 0; k < names; ++k) model_.push_back(std::make_shared<Content>(Content{common(k)}));
  }

  void act() override {
    const auto k = below(names);
    look(k);
    way_ = nullptr;
    model_[k] ? change(k) : create(k);
    ++course().done;
    look(k);
    look_at_untouched(below(never_written));
  }

  void finish() override {
    for (unsigned k = 0; k < names; ++k) look(k);
    for (unsigned k = 0; k < never_written; ++k) look_at_untouched(k);
  }

 private:
  using Change = void (Program::*)(unsigned);

  const char* path(unsigned k) { return (path_ = own(number_, k)).c_str(); }
  std::string path_of(unsigned k) const { return own(number_, k); }
  std::string text() { return std::string(1 + below(9000), static_cast<char>('A' + below(26))); }

  void expect(bool well, const std::string& what) const {
    if (!well) complain(path_ + ": " + what + (way_ == nullptr ? "" : std::string(", after ") + way_));
  }
  void done(long result, const char* call) {
    way_ = call;
    expect(result >= 0, std::string(call) + ": " + std::strerror(errno));
  }
  Fd open(unsigned k, int flags) {
    const int fd = ::open(path(k), flags | O_CLOEXEC, 0644);
    done(fd, "open");
    return Fd(fd);
  }

  void look(unsigned k) {
    struct stat st {};
    const bool is_there = ::stat(path(k), &st) == 0;
    if (!is_there && errno != ENOENT) done(-1, "stat");
    expect(is_there == (model_[k] != nullptr), is_there ? "is there" : "is gone");
    if (!is_there) return;
    const auto& content = *model_[k];
    expect((st.st_mode & 07777) == content.mode, "mode");
    expect(st.st_size == static_cast<off_t>(content.bytes.size()),
           "has size " + std::to_string(st.st_size) + ", not " + std::to_string(content.bytes.size()));
    expect(read_all(open_host(path_, O_RDONLY).get(), path_) == content.bytes, "has other bytes");
    char value[64];
    const auto size = ::getxattr(path_.c_str(), "user.a", value, sizeof value);
    expect(content.attribute == (size < 0 ? "" : std::string(value, static_cast<std::size_t>(size))), "attribute");
  }

  void look_at_untouched(unsigned k) {
    path_ = untouched(k);
    expect(read_all(open_host(path_, O_RDONLY).get(), path_) == common(k), "was never written, and is not as it was");
  }

  void change(unsigned k) {
    static constexpr Change all[] = {&Program::append,  &Program::rewrite, &Program::overwrite, &Program::cut,
                                     &Program::store,   &Program::mode,    &Program::attribute, &Program::move,
                                     &Program::trade,   &Program::link,    &Program::remove,    &Program::fill,
                                     &Program::read_on, &Program::punch};
    (this->*all[below(std::size(all))])(k);
  }

  void create(unsigned k) {
    const auto bytes = text();
    write_all(open(k, O_WRONLY | O_CREAT | O_EXCL).get(), bytes, path_);
    way_ = "create";
    model_[k] = std::make_shared<Content>(Content{bytes});
  }
  void append(unsigned k) {
    const auto bytes = text();
    write_all(open(k, O_WRONLY | O_APPEND).get(), bytes, path_);
    way_ = "append";
    model_[k]->bytes += bytes;
  }
  void rewrite(unsigned k) {
    const auto bytes = text();
    write_all(open(k, O_WRONLY | O_TRUNC).get(), bytes, path_);
    way_ = "rewrite";
    model_[k]->bytes = bytes;
  }
  void put(unsigned k, std::size_t at, const std::string& bytes) {
    auto& all = model_[k]->bytes;
    all.resize(std::max(all.size(), at + bytes.size()));
    all.replace(at, bytes.size(), bytes);
  }
  void overwrite(unsigned k) {
    const auto bytes = text();
    const auto at = below(20000);
    done(::pwrite(open(k, O_RDWR).get(), bytes.data(), bytes.size(), at), "pwrite");
    put(k, at, bytes);
  }
  void cut(unsigned k) {
    const auto size = below(12000);
    if (below(2) == 0)
      done(::truncate(path(k), size), "truncate");
    else
      done(::ftruncate(open(k, O_WRONLY).get(), size), "ftruncate");
    model_[k]->bytes.resize(size);
  }
  void store(unsigned k) {
    const auto size = model_[k]->bytes.size();
    if (size == 0) return;
    const auto file = open(k, O_RDWR);
    auto* map = static_cast<char*>(::mmap(nullptr, size, PROT_READ | PROT_WRITE, MAP_SHARED, file.get(), 0));
    done(map == MAP_FAILED ? -1 : 0, "mmap");
    const auto at = below(static_cast<unsigned>(size));
    map[at] = '!';
    ::munmap(map, size);
    put(k, at, "!");
  }
  void mode(unsigned k) {
    model_[k]->mode = 0600 | below(0200);
    done(::chmod(path(k), model_[k]->mode), "chmod");
  }
  void attribute(unsigned k) {
    model_[k]->attribute = std::string(1 + below(60), static_cast<char>('a' + below(26)));
    const auto& value = model_[k]->attribute;
    done(::setxattr(path(k), "user.a", value.data(), value.size(), 0), "setxattr");
  }
  void move(unsigned k) {
    const auto to = below(names);
    done(::rename(path(k), path_of(to).c_str()), "rename");
    if (model_[to] == model_[k]) return;  // two names of one file: nothing is moved
    model_[to] = std::move(model_[k]);
    model_[k] = nullptr;
  }
  void trade(unsigned k) {
    const auto other = below(names);
    if (!model_[other]) return;
    done(::renameat2(AT_FDCWD, path(k), AT_FDCWD, path_of(other).c_str(), RENAME_EXCHANGE), "exchange");
    std::swap(model_[k], model_[other]);
  }
  void link(unsigned k) {
    const auto other = below(names);
    if (model_[other]) return;
    done(::link(path(k), path_of(other).c_str()), "link");
    model_[other] = model_[k];
  }
  void remove(unsigned k) {
    done(::unlink(path(k)), "unlink");
    model_[k] = nullptr;
  }
  void fill(unsigned k) {
    const auto from = below(never_written);
    const Fd source = open_host(untouched(from), O_RDONLY);
    const auto copied = ::copy_file_range(source.get(), nullptr, open(k, O_WRONLY).get(), nullptr, 1000, 0);
    done(copied, "copy_file_range");
    put(k, 0, common(from).substr(0, static_cast<std::size_t>(copied)));
  }
  // Who reads while the link is broken has the old bytes, or the new.
  void read_on(unsigned k) {
    const auto before = model_[k]->bytes;
    const Fd reader = open(k, O_RDONLY);
    append(k);
    const auto read = read_all(reader.get(), path_);
    expect(read == before || read == model_[k]->bytes,
           "an earlier reader has " + std::to_string(read.size()) + " other bytes");
  }
  void punch(unsigned k) {
    const auto size = model_[k]->bytes.size();
    if (size == 0) return;
    const auto at = below(static_cast<unsigned>(size));
    const auto length = std::min<std::size_t>(size - at, 5000);
    done(::fallocate(open(k, O_RDWR).get(), FALLOC_FL_PUNCH_HOLE | FALLOC_FL_KEEP_SIZE, at, static_cast<off_t>(length)),
         "punch");
    put(k, at, std::string(length, '\0'));
  }

  unsigned number_;
  const char* way_ = nullptr;
  std::string path_;
  std::vector<std::shared_ptr<Content>> model_;
};

// Three guests on one filesystem, all of their files shared by all.
class Guests {
 public:
  explicit Guests(const std::string& how)
      : fs_(how == "xfs" || how == "btrfs" ? how : "ext4", 1024), nopassthrough_(how == "nopassthrough") {
    for (const std::string guest : {"a", "b", "c"}) {
      std::filesystem::create_directories(fs_ / guest + "/other");
      for (const std::string in : {"kept", "d0", "d1", "d2"})
        std::filesystem::create_directories(root(guest) + "/" + in);
    }
    for (unsigned process = 0; process < processes; ++process)
      for (unsigned k = 0; k < names; ++k) share(own(process, k), common(k));
    for (unsigned k = 0; k < never_written; ++k) share(untouched(k), common(k));
    for (const std::string guest : {"a", "b", "c"}) mount(guest);
  }
  ~Guests() {
    for (const std::string guest : {"a", "b", "c"}) {
      EXPECT_TRUE(eventually([&] { return ::umount2(root(guest).c_str(), 0) == 0; }));
      EXPECT_TRUE(eventually([&] { return daemon_of(root(guest)) == 0; }));
    }
    EXPECT_FALSE(std::filesystem::exists(fs_ / ".vcow-breaks")) << "something was left in staging";
  }
  Guests(const Guests&) = delete;

  std::string root(const std::string& guest) const { return fs_ / guest + "/root"; }

  // What each N of a guest's other is to be like tells N.was. Both go.
  void look_at_others() {
    for (const std::string guest : {"a", "b", "c"})
      for (const auto& entry : std::filesystem::directory_iterator(fs_ / guest + "/other"))
        if (entry.path().extension() != ".was") compare(entry.path());
  }
  std::uint64_t shared() const { return shared_; }

 private:
  void share(const std::string& path, const std::string& content) const {
    const Fd first = open_host(root("a") + path, O_WRONLY | O_CREAT, 0644);
    write_all(first.get(), content, path);
    set_mark(first.get(), {fs_id(first.get()), stat_fd(first.get()).ino});
    for (const std::string guest : {"b", "c"})
      check(::link((root("a") + path).c_str(), (root(guest) + path).c_str()), "link");
  }
  void mount(const std::string& guest) const {
    const auto how = nopassthrough_ ? " nopassthrough" : "";
    must(shell(VUNIFY_BIN_DIR "/sharing_vcow " + root(guest) + how + " </dev/null >" + fs_ / guest + "/said 2>&1 &"));
    must(shell("until mountpoint -q " + root(guest) + "; do :; done"));
  }
  void compare(const std::filesystem::path& path) {
    const auto was = path.string() + ".was";
    const Fd is = open_host(path, O_RDONLY), before = open_host(was, O_RDONLY);
    const auto a = stat_fd(is.get()), b = stat_fd(before.get());
    EXPECT_EQ(read_all(is.get(), path.string()), read_all(before.get(), was)) << path;
    EXPECT_TRUE(a.mode == b.mode && a.uid == b.uid && a.stamp.mtime == b.stamp.mtime) << path;
    std::filesystem::remove(path);
    std::filesystem::remove(was);
    ++shared_;
  }

  LoopFs fs_;
  bool nopassthrough_;
  std::uint64_t shared_ = 0;
};

class StressOn : public RootTestOn {
 protected:
  static void start_programs(Racers& racers, const Guests& guests) {
    for (const std::string guest : {"a", "b", "c"})
      for (unsigned process = 0; process < processes; ++process)
        racers.start(guests.root(guest), [process] { return std::make_unique<Program>(process); });
  }
  static void look_for_a_while(Guests& guests) {
    const auto end = std::chrono::steady_clock::now() + race_time() / 4;
    while (!HasFailure() && std::chrono::steady_clock::now() < end) guests.look_at_others();
  }
};

TEST_P(StressOn, NothingIsLostAndNothingIsSeenByOthers) {
  Racers racers;
  Guests guests(GetParam());
  start_programs(racers, guests);
  look_for_a_while(guests);
  EXPECT_THAT(racers.stop(), testing::IsEmpty());
  guests.look_at_others();
  std::printf("%lu changes, %lu shared\n", racers.course().done.load(), guests.shared());
}

// Held by a descriptor since its first name went, and known by another again: the break is to lead the name.
TEST_P(StressOn, AFileWhoseFirstNameWentIsBrokenByTheNextOne) {
  Guests guests(GetParam());
  const auto first = guests.root("a") + "/first", second = guests.root("a") + "/second", third = second + "d";
  write_all(open_host(first, O_WRONLY | O_CREAT, 0644).get(), "text", first);
  check(::link(first.c_str(), second.c_str()), "link");
  check(::unlink(first.c_str()), "unlink");
  check(::link(second.c_str(), third.c_str()), "link");
  check(::unlink(second.c_str()), "unlink");
  write_all(open_host(third, O_WRONLY | O_APPEND).get(), " more", third);
  EXPECT_EQ(read_all(open_host(third, O_RDONLY).get(), third), "text more");
  guests.look_at_others();
  EXPECT_GE(guests.shared(), 1u);
}

INSTANTIATE_TEST_SUITE_P(, StressOn, everywhere, name_of_each);

class KilledWorkersOn : public StressOn {
 protected:
  // Five times a second at most, and none before the last ones' successors have served: who dies again and again at
  // once is given up. Returns how often.
  static int kill_workers(const std::stop_token& over, const Guests& guests, const std::atomic<std::uint64_t>& done) {
    int kills = 0;
    std::uint64_t before = 0;
    for (; !over.stop_requested(); std::this_thread::sleep_for(std::chrono::milliseconds(200))) {
      if (const auto now = done.load(); std::exchange(before, now) == now) continue;
      for (const std::string guest : {"a", "b", "c"})
        if (const int worker = worker_of(guests.root(guest))) kills += ::kill(worker, SIGKILL) == 0 ? 1 : 0;
    }
    return kills;
  }
};

TEST_P(KilledWorkersOn, NothingIsLostAndNobodyNotices) {
  Racers racers;
  Guests guests(GetParam());
  start_programs(racers, guests);
  int kills = 0;
  {
    const std::jthread killer(
        [&](const std::stop_token& over) { kills = kill_workers(over, guests, racers.course().done); });
    look_for_a_while(guests);
  }
  EXPECT_THAT(racers.stop(), testing::IsEmpty());
  guests.look_at_others();
  std::printf("%lu changes, %lu shared, %d workers killed\n", racers.course().done.load(), guests.shared(), kills);
}

INSTANTIATE_TEST_SUITE_P(, KilledWorkersOn, everywhere, name_of_each);

}  // namespace
}  // namespace vunify::test
