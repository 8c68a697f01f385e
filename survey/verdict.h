// SPDX-License-Identifier: Apache-2.0
// May this file share an inode, and if not, the one reason. The word is the same in --why, in the report and in docs.
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <string_view>
#include <system_error>

namespace vunify {

// The numbers are on disk (unify/layouts.h records a refusal by its own): never renumbered, new ones at the end.
enum class Verdict : std::uint8_t {
  shared = 0,              // it is one inode, or one data, with its twins; in a dry run, it would be
  no_twin = 1,             // no other guest has a file of its size and metadata
  twin_busy = 2,           // its twins are in use, or changed, or could not be read
  content_differs = 3,     // others have its size and metadata, none its bytes
  second_copy = 4,         // equal files of its own guest outnumber those of every other
  metadata_differs = 5,    // equal bytes, but owner, mode, flags or attributes disagree
  shifted_owner = 6,       // equal bytes, but owners differ by a constant: a guest in a user namespace
  hard_linked = 7,         // the guest linked it itself: its names stay together
  shared_unprotected = 8,  // one inode for several guests with nothing to keep them apart
  empty = 9,
  too_small = 10,  // below --min-size
  excluded = 11,   // by a rule of the exclude lists
  own_flags = 12,  // carries +i, +a or +C of its owner
  open_for_writing = 13,
  locked = 14,
  changed = 15,  // while we looked at it
  vanished = 16,
  other_mount = 17,    // links do not cross mounts, subvolumes or project ids
  link_limit = 18,     // the filesystem gives an inode no more names
  no_protection = 19,  // nothing here would keep the guests apart
  not_shareable = 20,  // the filesystem cannot share data so small or so stored (reflink)
  not_reached = 21,    // --max-time or an interrupt came first
  unreadable = 22,
  open = 23,           // nothing is said yet; at the end of a run no file is left so
  outside_names = 24,  // it, or its twin, has names outside all guests of this run
  swap_file = 25,      // the kernel swaps to it
  mounted = 26,        // vcow shows its guest now
  conffile = 27,       // its package manager calls it configuration
  not_asked = 28,      // this run is about other files
  other_tag = 29,      // it carries a project id that is not its guest's
  passed_on_tag = 30,  // its directory takes no name of what is nobody's
  no_answer = 31,      // the vcow that shows its guest did not answer
};

struct VerdictRow {
  Verdict verdict;
  std::string_view name;
  std::string_view sentence;  // for people: what it means and, where there is a cure, the cure
  bool is_reason = true;      // it says why a file was left alone
};

inline constexpr std::array<VerdictRow, 32> verdicts = {{
    {Verdict::shared, "shared", "it is one inode with its twins in other guests, or a run would make it one.", false},
    {Verdict::no_twin, "no-twin",
     "no other guest has a file of its size, owner, mode, flags, attributes and mtime; where only mtimes differ, "
     "--ignore-mtime helps."},
    {Verdict::twin_busy, "twin-busy",
     "its twins are being written to or locked, changed, or could not be read; the next run looks again."},
    {Verdict::content_differs, "content-differs",
     "other guests have files of its size and metadata, but none with its bytes."},
    {Verdict::second_copy, "second-copy",
     "its guest has a name of every inode like it already, or more copies than any other guest; files that are "
     "separate in a guest stay separate."},
    {Verdict::metadata_differs, "metadata-differs",
     "a twin has the same bytes, but another owner, mode, flag or extended attribute; --protect=reflink shares "
     "the data of such files."},
    {Verdict::shifted_owner, "shifted-owner",
     "a twin has the same bytes, but all owners differ by the same number: the guest runs in a user namespace; give "
     "it an idmapped mount instead of shifted files, or use --protect=reflink."},
    {Verdict::hard_linked, "hard-linked", "the guest gave this inode several names itself, and they stay together."},
    {Verdict::shared_unprotected, "shared-unprotected",
     "several guests have this one inode and nothing keeps one from changing it for the others; run with a "
     "protection, or vunify --deunify to give each its own."},
    {Verdict::empty, "empty", "it holds no bytes on disk, so there is nothing to gain."},
    {Verdict::too_small, "too-small", "it is smaller than --min-size."},
    {Verdict::excluded, "excluded", "a rule of the exclude lists names it; --exclude '+PATTERN' includes it again."},
    {Verdict::own_flags, "own-flags",
     "it is immutable, append-only or without copy-on-write (chattr +i, +a, +C), and its owner wanted it so."},
    {Verdict::open_for_writing, "open-for-writing", "a program has it open for writing; a later run finds it closed."},
    {Verdict::locked, "locked", "a program holds a lock on it; a later run finds it unlocked."},
    {Verdict::changed, "changed", "it changed while it was looked at; the next run looks again."},
    {Verdict::vanished, "vanished", "its name was removed while it was looked at."},
    {Verdict::other_mount, "other-mount",
     "its twins lie on another mount, subvolume or project id, and links do not cross these; --protect=reflink may "
     "share their data."},
    {Verdict::link_limit, "link-limit",
     "the filesystem gives the shared inode no further name, and no second one could be started."},
    {Verdict::no_protection, "no-protection",
     "nothing here would keep one guest from changing it for another; use a kernel with iunlink, a filesystem with "
     "reflink (XFS, btrfs), or vcow. A guard that is full gets room while no guest runs: vguard unload, vguard load."},
    {Verdict::not_shareable, "not-shareable",
     "the filesystem cannot share it: it is too small, stored inside the inode, sealed or encrypted (fs-verity, "
     "fscrypt), or stored in some "
     "other way of its own; "
     "or its attributes, or its guest's quota, leave no room for the mark of a shared inode."},
    {Verdict::not_reached, "not-reached", "--max-time or an interrupt came first; the next run goes on here."},
    {Verdict::unreadable, "unreadable", "it could not be read; the report names the error."},
    {Verdict::open, "open", "nothing is said of it yet.", false},
    {Verdict::outside_names, "outside-names",
     "it, or the file of another guest that is like it, has names outside all guests of this run, and what is seen "
     "through those is not ours to change: name that guest too, or keep snapshots (cp -al, rsync --link-dest) on "
     "another filesystem."},
    {Verdict::swap_file, "swap-file", "the kernel swaps to it (swapon): it is written without being open to anyone."},
    {Verdict::mounted, "mounted",
     "vcow shows its guest, and cannot be asked: it died or is stopped, its guest is not adopted, or --sledgehammer "
     "says "
     "that guests are stopped."},
    {Verdict::conffile, "conffile",
     "its package manager calls it configuration (dpkg, ucf, rpm, apk, pacman), and programs write to that in place."},
    {Verdict::not_asked, "not-asked",
     "this run was asked for other files: of a package (--packages), or like those of the guests that were named "
     "(refservers, --manually, vhashify)."},
    {Verdict::other_tag, "other-tag",
     "it carries a project id that is not its guest's, which the guest's root may have set: chxid -c GUEST gives it "
     "its guest's."},
    {Verdict::passed_on_tag, "passed-on-tag",
     "its directory passes its project id on (chattr +P) and takes no name of an inode that has another, as what is "
     "shared has: chxid --repair takes that off; --protect=reflink shares the data of such files."},
    {Verdict::no_answer, "no-answer",
     "the vcow that shows its guest ended, or gave no answer for a second; the next run asks it again."},
}};
inline constexpr std::size_t verdict_count = verdicts.size();

// A row a verdict, in the order of their numbers: one that is added without a row does not compile.
static_assert([] {
  for (std::size_t i = 0; i < verdicts.size(); ++i)
    if (verdicts[i].verdict != static_cast<Verdict>(i) || verdicts[i].name.empty()) return false;
  return verdicts.back().verdict == Verdict::no_answer;  // the last one
}());

constexpr const VerdictRow& row_of(Verdict verdict) { return verdicts[static_cast<std::size_t>(verdict)]; }
constexpr std::string_view name_of(Verdict verdict) { return row_of(verdict).name; }
constexpr std::string_view explain(Verdict verdict) { return row_of(verdict).sentence; }

// What the kernel's refusal says of the file it was asked about.
enum class Attempt { open, link, share };
Verdict verdict_of(const std::error_code& error, Attempt attempt);

}  // namespace vunify
