// SPDX-License-Identifier: Apache-2.0
#include "fuse/break_staging.h"

#include <fcntl.h>

#include <atomic>
#include <charconv>

#include "fuse/birthplace.h"
#include "fuse/lifted_flag.h"
#include "guest/trusted_directory.h"
#include "sys/data.h"
#include "sys/directory.h"
#include "sys/handle.h"
#include "sys/mark.h"
#include "sys/write_out.h"

namespace vunify {
namespace {

Fd open_private_in(int parent, const std::string& leaf) {
  make_private_directory(parent, leaf);
  return open_private(parent, leaf, leaf);
}

constexpr std::string_view note_prefix = "lifted.";

std::string hex(std::string_view bytes) {
  constexpr std::string_view digits = "0123456789abcdef";
  std::string text;
  for (const unsigned char byte : bytes) text.append({digits[byte >> 4], digits[byte & 15]});
  return text;
}

std::string from_hex(std::string_view text) {
  std::string bytes(text.size() / 2, '\0');
  for (std::size_t i = 0; i < bytes.size(); ++i) {
    unsigned char byte = 0;
    std::from_chars(&text[i * 2], &text[i * 2] + 2, byte, 16);
    bytes[i] = static_cast<char>(byte);
  }
  return bytes;
}

}  // namespace

BreakStaging::BreakStaging(int parent, std::uint64_t root, bool commits_in_order)
    : parent_(open_directory_at(parent, ".", ".")), leaf_(std::to_string(root)), commits_in_order_(commits_in_order) {
  while (!try_to_open()) continue;
}

// False where another guest's vcow ended meanwhile, and took the directory above along.
bool BreakStaging::try_to_open() {
  try {
    above_ = open_private_in(parent_.get(), break_staging_leaf);
    fd_ = open_private_in(above_.get(), leaf_);
    return true;
  } catch (const std::system_error& error) {
    if (!is_error(error, ENOENT)) throw;
    return false;
  }
}

BreakStaging::~BreakStaging() {
  try {
    remove_empty_directory(above_.get(), leaf_);
    remove_empty_directory(parent_.get(), break_staging_leaf);
  } catch (const std::system_error&) {  // it is met by the next mount
  }
}

StagedName BreakStaging::name_of(int copy) const { return {fd_.get(), std::to_string(stat_fd(copy).ino)}; }

void BreakStaging::write_out(int copy) const {
  if (commits_in_order_)
    vunify::write_out(copy, break_staging_leaf);
  else
    sync_all(copy);
}

void BreakStaging::remove_copy(const StagedName& staged, int copy) const {
  const auto there = stat_name(staged.dir, staged.leaf.c_str());
  if (there && there->ino == stat_fd(copy).ino) remove_staged(staged);
}

bool BreakStaging::is_leftover(const std::string& leaf) const {
  const auto inode = stat_name(fd_.get(), leaf.c_str());
  return inode && (std::to_string(inode->ino) == leaf || mark_at(fd_.get(), leaf, {}) != Mark::none);
}

// Numbered, for two threads may have lifted the flag of one inode.
std::string BreakStaging::note_lifted(int fd) const {
  static std::atomic<unsigned> notes = 0;
  try {
    auto note = std::string(note_prefix) + hex(handle_of(fd)) + "." + std::to_string(++notes);
    open_at({fd_.get(), note.c_str()}, O_WRONLY | O_CREAT, 0600);
    return note;
  } catch (const std::system_error&) {
    return {};
  }
}

void BreakStaging::forget_lifted(const std::string& note) const {
  if (!note.empty()) remove_staged({fd_.get(), note});
}

// Only what others have still, and is ours. What is of no use, damaged or no note at all, is kept and told.
void BreakStaging::protect_noted(const std::string& note) const {
  try {
    const auto digits = std::string_view(note).substr(note_prefix.size());
    const auto inode = open_handle(fd_.get(), from_hex(digits.substr(0, digits.find('.'))), OnLease::wait);
    if (inode && has_mark(inode->get())) protect(inode->get(), Protection::immutable);
    forget_lifted(note);
  } catch (const std::system_error&) {  // sweep() finds it there still
  }
}

// Notes first: the others are removed under notes of their own.
std::vector<std::string> BreakStaging::sweep() const {
  std::vector<std::string> kept;
  for (const auto& leaf : list_names(fd_.get()))
    if (leaf.starts_with(note_prefix)) protect_noted(leaf);
  for (const auto& leaf : list_names(fd_.get())) {
    if (is_leftover(leaf)) {
      const StagedName staged{fd_.get(), leaf};
      const Fd file = open_staged(staged);
      with_flags_lifted(*this, std::span(&file, 1), [&] { remove_staged(staged); });
    } else if (leaf != birthplace_leaf) {
      kept.push_back(leaf);
    }
  }
  return kept;
}

}  // namespace vunify
