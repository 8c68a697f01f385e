// SPDX-License-Identifier: Apache-2.0
#include "survey/verdict.h"

namespace vunify {

// No default: a new verdict without a sentence is a compiler warning, and so an error.
std::string_view explain(Verdict verdict) {
  switch (verdict) {
    case Verdict::shared:
      return "it is one inode with its twins in other guests, or a run would make it one.";
    case Verdict::no_twin:
      return "no other guest has a file of its size, owner, mode, flags, attributes and mtime; where only mtimes "
             "differ, --ignore-mtime helps.";
    case Verdict::twin_busy:
      return "its twins are being written to or locked, changed, or could not be read; the next run looks again.";
    case Verdict::content_differs:
      return "other guests have files of its size and metadata, but none with its bytes.";
    case Verdict::second_copy:
      return "its guest has a name of every inode like it already, or more copies than any other guest; files that are "
             "separate in a guest stay separate.";
    case Verdict::metadata_differs:
      return "a twin has the same bytes, but another owner, mode, flag, project or extended attribute; "
             "--protect=reflink shares the data of such files.";
    case Verdict::shifted_owner:
      return "a twin has the same bytes, but all owners differ by the same number: the guest runs in a user namespace; "
             "give it an idmapped mount instead of shifted files, or use --protect=reflink.";
    case Verdict::hard_linked:
      return "the guest gave this inode several names itself, and they stay together.";
    case Verdict::shared_unprotected:
      return "several guests have this one inode and nothing keeps one from changing it for the others; run with a "
             "protection, or vunify --deunify to give each its own.";
    case Verdict::empty:
      return "it holds no bytes, so there is nothing to gain.";
    case Verdict::too_small:
      return "it is smaller than --min-size.";
    case Verdict::excluded:
      return "a rule of the exclude lists names it; --exclude '+PATTERN' includes it again.";
    case Verdict::own_flags:
      return "it is immutable, append-only or without copy-on-write (chattr +i, +a, +C), and its owner wanted it so.";
    case Verdict::open_for_writing:
      return "a program has it open for writing; a later run finds it closed.";
    case Verdict::locked:
      return "a program holds a lock on it; a later run finds it unlocked.";
    case Verdict::changed:
      return "it changed while it was looked at; the next run looks again.";
    case Verdict::vanished:
      return "its name was removed while it was looked at.";
    case Verdict::other_mount:
      return "its twins lie on another mount, subvolume or project id, and links do not cross these; --protect=reflink "
             "may share their data.";
    case Verdict::link_limit:
      return "the filesystem gives the shared inode no further name, and no second one could be started.";
    case Verdict::no_protection:
      return "nothing here would keep one guest from changing it for another; use a kernel with iunlink, a filesystem "
             "with reflink (XFS, btrfs), or vcow.";
    case Verdict::not_shareable:
      return "the filesystem cannot share its data: it is too small, stored inside the inode, or stored in some other "
             "way of its own.";
    case Verdict::not_reached:
      return "--max-time or an interrupt came first; the next run goes on here.";
    case Verdict::unreadable:
      return "it could not be read; the report names the error.";
  }
  return "";
}

}  // namespace vunify
