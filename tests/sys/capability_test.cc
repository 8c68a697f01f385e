// SPDX-License-Identifier: Apache-2.0
#include "sys/capability.h"

#include <sched.h>
#include <sys/prctl.h>
#include <sys/wait.h>
#include <unistd.h>

#include <csignal>

#include "tests/root_test.h"

namespace vunify::test {
namespace {

// A child that did something with itself and waits to be looked at. Everything it does is a system call.
class Child {
 public:
  explicit Child(void (*change)()) {
    int ready[2];
    if (::pipe(ready) != 0) throw std::runtime_error("pipe");
    process_ = ::fork();
    if (process_ == 0) {
      change();
      if (::write(ready[1], "", 1) == 1) ::pause();
      ::_exit(1);
    }
    char byte = 0;
    if (::read(ready[0], &byte, 1) != 1) throw std::runtime_error("no child");
    for (const int end : ready) ::close(end);
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

using Capability = RootTest;

TEST_F(Capability, IsToldByTheBoundingSetOfAnother) {
  EXPECT_TRUE(has_capability(linux_immutable));
  EXPECT_TRUE(may_have_capability(Child([] {}).process(), linux_immutable));
  const Child dropped([] { ::prctl(PR_CAPBSET_DROP, linux_immutable); });
  EXPECT_FALSE(may_have_capability(dropped.process(), linux_immutable));
}

TEST_F(Capability, InAUserNamespaceIsNoneOnTheHostsFiles) {
  const Child apart([] { ::unshare(CLONE_NEWUSER); });
  EXPECT_FALSE(may_have_capability(apart.process(), linux_immutable));
}

TEST_F(Capability, OfAProcessThatHasEndedIsNone) {
  int process = 0;
  {
    const Child gone([] {});
    process = gone.process();
  }
  EXPECT_FALSE(may_have_capability(process, linux_immutable));
}

}  // namespace
}  // namespace vunify::test
