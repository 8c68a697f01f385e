// SPDX-License-Identifier: Apache-2.0
#include "survey/verdict.h"

#include <cerrno>

namespace vunify {
namespace {

// To open and to lease it (open(2), F_SETLEASE).
Verdict of_opening(int error) {
  switch (error) {
    case EXDEV:   // a mount was put in its way
    case EINVAL:  // what has its name is no regular file any more
      return Verdict::vanished;
    case EWOULDBLOCK:  // somebody holds a write lease on it
      return Verdict::open_for_writing;
    default:
      return Verdict::unreadable;
  }
}

// To link and to exchange its names (link(2), rename(2)).
Verdict of_linking(int error) {
  switch (error) {
    case EXDEV:
      return Verdict::other_mount;
    case EMLINK:
      return Verdict::link_limit;
    case EPERM:  // the guest made it, or its directory, immutable
      return Verdict::own_flags;
    case E2BIG:  // the guard has no room
      return Verdict::no_protection;
    case EOPNOTSUPP:  // no copy can have all of its metadata
      return Verdict::not_shareable;
    default:
      return Verdict::unreadable;
  }
}

// To share its data (FIDEDUPERANGE).
Verdict of_sharing(int error) {
  switch (error) {
    case EINVAL:
    case EOPNOTSUPP:
    case EPERM:
    case ETXTBSY:
    case EXDEV:
      return Verdict::not_shareable;
    default:
      return Verdict::unreadable;
  }
}

}  // namespace

Verdict verdict_of(const std::error_code& error, Attempt attempt) {
  const int number = error.value();
  if (number == ENOENT || number == ENOTDIR || number == ELOOP) return Verdict::vanished;
  if (number == EINTR) return Verdict::not_reached;  // the run is to stop, and its copy was given up
  if (attempt == Attempt::open) return of_opening(number);
  return attempt == Attempt::link ? of_linking(number) : of_sharing(number);
}

}  // namespace vunify
