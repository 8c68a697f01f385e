// SPDX-License-Identifier: Apache-2.0
#include "tests/act_before.h"

#include <fcntl.h>
#include <linux/filter.h>
#include <linux/seccomp.h>
#include <poll.h>
#include <sys/ioctl.h>
#include <sys/prctl.h>
#include <sys/syscall.h>
#include <unistd.h>

#include <array>
#include <cstddef>
#include <future>
#include <thread>

#include "sys/fd.h"

namespace vunify::test {
namespace {

// From here on the kernel asks at the descriptor before each such call of this thread (seccomp(2), which wants a thread
// that gains no privileges any more, or root).
Fd ask_before(long call) {
  const auto number = static_cast<std::uint32_t>(call);
  std::array<sock_filter, 4> code{{{BPF_LD | BPF_W | BPF_ABS, 0, 0, offsetof(seccomp_data, nr)},
                                   {BPF_JMP | BPF_JEQ | BPF_K, 0, 1, number},
                                   {BPF_RET | BPF_K, 0, 0, SECCOMP_RET_USER_NOTIF},
                                   {BPF_RET | BPF_K, 0, 0, SECCOMP_RET_ALLOW}}};
  sock_fprog filter{code.size(), code.data()};
  check(::prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0), "prctl");
  const auto fd = ::syscall(SYS_seccomp, SECCOMP_SET_MODE_FILTER, SECCOMP_FILTER_FLAG_NEW_LISTENER, &filter);
  return Fd(static_cast<int>(check(fd, "seccomp")));
}

// False where the work is over: nobody holds the other end of the pipe any more.
bool awaits_call(const Fd& asked, const Fd& work) {
  std::array<pollfd, 2> ready{{{asked.get(), POLLIN, 0}, {work.get(), 0, 0}}};
  while (::poll(ready.data(), ready.size(), -1) < 0) continue;
  return (ready[0].revents & POLLIN) != 0;
}

// answer: the error of the nth call, or 0, and it goes on.
void answer_before(long call, const std::function<void()>& work, const std::function<int(int nth)>& answer) {
  std::array<int, 2> ends{};
  check(::pipe2(ends.data(), O_CLOEXEC), "pipe2");
  const Fd at_work(ends[0]);
  std::promise<Fd> asking;
  std::thread worker([&, working = Fd(ends[1])] {
    asking.set_value(ask_before(call));
    work();
  });
  const Fd asked = asking.get_future().get();
  for (int nth = 1; awaits_call(asked, at_work); ++nth) {
    seccomp_notif held{};
    check(::ioctl(asked.get(), SECCOMP_IOCTL_NOTIF_RECV, &held), "SECCOMP_IOCTL_NOTIF_RECV");
    const int error = answer(nth);
    const std::uint32_t flags = error == 0 ? SECCOMP_USER_NOTIF_FLAG_CONTINUE : 0;
    seccomp_notif_resp go_on{held.id, 0, -error, flags};
    check(::ioctl(asked.get(), SECCOMP_IOCTL_NOTIF_SEND, &go_on), "SECCOMP_IOCTL_NOTIF_SEND");
  }
  worker.join();
}

}  // namespace

void act_before(long call, const std::function<void()>& work, const std::function<void(int nth)>& guest) {
  answer_before(call, work, [&](int nth) {
    guest(nth);
    return 0;
  });
}

void fail_call(long call, int nth, int error, const std::function<void()>& work) {
  answer_before(call, work, [&](int n) { return n == nth ? error : 0; });
}

}  // namespace vunify::test
