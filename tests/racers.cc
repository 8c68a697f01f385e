// SPDX-License-Identifier: Apache-2.0
#include "tests/racers.h"

#include <fcntl.h>
#include <sys/mman.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cerrno>
#include <cstdlib>
#include <memory>
#include <new>
#include <sstream>
#include <stdexcept>

#include "tests/scratch.h"

namespace vunify::test {
namespace {

struct Complaint : std::runtime_error {
  using std::runtime_error::runtime_error;
};

Course* shared_course() {
  void* map = ::mmap(nullptr, sizeof(Course), PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
  if (map == MAP_FAILED) throw_errno("mmap");
  return new (map) Course;
}

std::vector<std::string> lines_of(const std::string& text) {
  std::vector<std::string> lines;
  std::istringstream stream(text);
  for (std::string line; std::getline(stream, line);) lines.push_back(line);
  return lines;
}

}  // namespace

void Racer::complain(const std::string& what) { throw Complaint(what); }

bool Racer::refused(bool failed, const char* call) {
  if (!failed) return false;
  if (errno != EPERM && errno != EAGAIN) throw_errno(call);
  ++course_->refused;
  return true;
}

Racers::Racers() : course_(shared_course()), complaints_(::memfd_create("complaints", MFD_CLOEXEC)) {}

Racers::~Racers() {
  stop();
  ::munmap(course_, sizeof(Course));
}

// All write to one open file, so that its offset is theirs in common and no line is lost.
void Racers::race(const std::string& root, const std::function<std::unique_ptr<Racer>()>& make) const {
  ::alarm(static_cast<unsigned>(race_time().count()) + 60);  // one that blocks for ever dies of it
  try {
    check(::chroot(root.c_str()), "chroot", root);
    check(::chdir("/"), "chdir");
    const auto racer = make();
    racer->course_ = course_;
    while (!course_->over) racer->act();
    racer->finish();
  } catch (const std::exception& error) {
    write_all(complaints_.get(), root + ": " + error.what() + "\n", "complaints");
  }
  ::_exit(0);
}

void Racers::start(const std::string& root, std::function<std::unique_ptr<Racer>()> make) {
  const pid_t child = check(::fork(), "fork");
  if (child == 0) race(root, make);
  children_.push_back(child);
}

std::vector<std::string> Racers::stop(const std::function<void()>& settle) {
  course_->over = true;
  if (!children_.empty()) settle();
  bool hung = false;
  for (const auto child : std::exchange(children_, {})) {
    int status = 0;
    while (::waitpid(child, &status, 0) < 0 && errno == EINTR) continue;
    hung |= WIFSIGNALED(status);
  }
  check(::lseek(complaints_.get(), 0, SEEK_SET), "lseek");
  auto lines = lines_of(read_all(complaints_.get(), "complaints"));
  if (hung) lines.push_back("a racer hung");
  return lines;
}

std::chrono::seconds race_time() {
  const char* seconds = std::getenv("VUNIFY_RACE_SECONDS");
  return std::chrono::seconds(seconds == nullptr ? 60 : std::atoi(seconds));
}

std::string run_vunify(const std::string& where, const std::vector<std::string>& guests, const std::string& verb) {
  std::vector<std::string> command{"vunify", "--state", where + "/state", "-q", verb};
  command.insert(command.end(), guests.begin(), guests.end());
  const auto ran = run(command);
  // 1: some file could not be done, which is to be expected here; but nothing may be left in staging.
  const auto said = ran.out + ran.err;
  const bool well = (ran.status == 0 || ran.status == 1) && said.find("left in staging") == std::string::npos &&
                    said.find("turned away") == std::string::npos;
  return well ? "" : verb + ": " + std::to_string(ran.status) + " " + said;
}

std::string unify_and_back(const std::string& where, const std::vector<std::string>& guests, std::chrono::seconds time,
                           unsigned& rounds) {
  const auto end = std::chrono::steady_clock::now() + time;
  std::string wrong;
  for (rounds = 0; wrong.empty() && std::chrono::steady_clock::now() < end; ++rounds) {
    wrong = run_vunify(where, guests, "--protect=immutable");
    if (wrong.empty()) wrong = run_vunify(where, guests, "-R");
  }
  return wrong;
}

}  // namespace vunify::test
