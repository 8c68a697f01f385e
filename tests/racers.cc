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

bool Racer::in_time(const std::function<bool()>& holds) const {
  const auto end = course_->runs + 2;  // of the run that is going on, and of one that begins after our first look
  while (!course_->settled && course_->runs < end) {
    if (holds()) return true;
    ::usleep(500);
  }
  return holds();
}

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
  course_->settled = true;
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

}  // namespace vunify::test
