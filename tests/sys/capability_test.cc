// SPDX-License-Identifier: Apache-2.0
#include "sys/capability.h"

#include <sched.h>
#include <sys/prctl.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cerrno>
#include <csignal>
#include <system_error>

#include "tests/root_test.h"

namespace vunify::test {
namespace {

// A child that did something with itself and waits to be looked at. Everything it does is a system call: clone(2) and
// not fork(), after which ThreadSanitizer starts a thread, and unshare(2) gives no user namespace to who has two.
class Child {
 public:
  explicit Child(bool (*change)(), unsigned long apart = 0) {
    int ready[2];
    if (::pipe(ready) != 0) throw std::runtime_error("pipe");
    process_ = static_cast<pid_t>(::syscall(SYS_clone, SIGCHLD | apart, 0, 0, 0, 0));
    if (process_ == -1) throw std::system_error(errno, std::generic_category(), "clone");
    if (process_ == 0) {
      if (change() && ::write(ready[1], "", 1) == 1) ::pause();
      ::_exit(1);
    }
    ::close(ready[1]);
    char byte = 0;
    if (::read(ready[0], &byte, 1) != 1) throw std::runtime_error("no child");
    ::close(ready[0]);
  }
  ~Child() {
    ::kill(process_, SIGKILL);
    ::waitpid(process_, nullptr, 0);
  }
  Child(const Child&) = delete;
  int process() const { return process_; }

 private:
  pid_t process_ = 0;
};

bool stay() { return true; }

using Capability = RootTest;

TEST_F(Capability, IsToldByTheBoundingSetOfAnother) {
  EXPECT_TRUE(has_capability(linux_immutable));
  EXPECT_TRUE(may_have_capability(Child(stay).process(), linux_immutable));
  const Child dropped([] { return ::prctl(PR_CAPBSET_DROP, linux_immutable) == 0; });
  EXPECT_FALSE(may_have_capability(dropped.process(), linux_immutable));
}

TEST_F(Capability, InAUserNamespaceIsNoneOnTheHostsFiles) {
  const Child apart(stay, CLONE_NEWUSER);
  EXPECT_FALSE(may_have_capability(apart.process(), linux_immutable));
}

TEST_F(Capability, OfAProcessThatHasEndedIsNone) {
  int process = 0;
  {
    const Child gone(stay);
    process = gone.process();
  }
  EXPECT_FALSE(may_have_capability(process, linux_immutable));
}

}  // namespace
}  // namespace vunify::test
