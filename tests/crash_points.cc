// SPDX-License-Identifier: Apache-2.0
#include "tests/crash_points.h"

#include <fcntl.h>
#include <sys/stat.h>

#include <algorithm>
#include <cstdlib>
#include <filesystem>
#include <random>
#include <stdexcept>

#include "sys/fd.h"
#include "sys/guard.h"
#include "sys/inode_attr.h"
#include "sys/mark.h"
#include "tests/tree.h"

namespace vunify::test {
namespace {

constexpr const char* guests[] = {"a", "b", "c", "d"};
constexpr auto all_mtimes = "find %/a %/b %/c %/d -exec touch -h -d @1577836800 {} +";

std::string with_directory(std::string script, const std::string& directory) {
  for (std::size_t at; (at = script.find('%')) != std::string::npos;) script.replace(at, 1, directory);
  return script;
}

// %: the directory. What is unified first, two guests at a time, so that two keepers hold one content.
constexpr auto first_files = R"(
  mkdir -p %/a/usr/bin %/b/usr/bin %/c/usr/bin %/d/usr/bin
  for g in a b c d; do echo two keepers > %/$g/merged; echo last name > %/$g/last; done
  for g in a b; do echo shared already > %/$g/shared; done)";

constexpr auto last_names_by_flag = R"(
  chattr -i %/a/last %/b/last %/c/last %/d/last && rm %/b/last %/c/last && chattr +i %/a/last)";
constexpr auto guarded_last_names = "rm %/b/last %/c/last";

constexpr auto more_files = R"(
  echo another last name > %/b/last; echo a third > %/c/last; rm %/d/last
  echo shared already > %/c/shared
  for g in a b c; do printf tool > %/$g/usr/bin/tool; done
  for g in a b; do echo copy > %/$g/copy1; echo copy > %/$g/copy2; done
  echo adopted > %/a/adopted; ln %/a/adopted %/b/adopted; echo adopted > %/c/adopted
  echo linked > %/a/own1; ln %/a/own1 %/a/own2; echo linked > %/d/own1
  echo > %/d/usr/alone; ln -s copy1 %/a/symlink)";

using Paths = std::vector<std::string>;

bool is_marked_inode(int dir, const std::string& leaf, const FsId& fs, const struct stat& st) {
  return mark_at(dir, leaf, {fs, st.st_ino}) == Mark::valid;
}

bool is_protected(int dir, const std::string& leaf) {
  const auto inode = stat_name(dir, leaf.c_str());
  return inode && (inode->immutable || GuardedInodes::now().contains(*inode, dir, leaf));
}

std::string protection_fault(int dir, const std::string& leaf, const std::string& path, const FsId& fs,
                             const struct stat& st) {
  const bool protected_now = is_protected(dir, leaf);
  const bool marked = is_marked_inode(dir, leaf, fs, st);
  if (protected_now && !marked) return path + " is protected, and not shared\n";
  const bool was_so_before = leaf == "adopted" && st.st_nlink == 2;  // the names a and b have had all the time
  if (marked && st.st_nlink > 1 && !protected_now && !was_so_before) return path + " is shared, and not protected\n";
  return {};
}

int sweep_every() {
  const char* every = std::getenv("VUNIFY_SWEEP_EVERY");
  return every == nullptr ? 1 : std::max(1, std::atoi(every));
}

}  // namespace

std::vector<std::string> words_until(const CrashPoint& point) {
  return {"env",
          "LD_PRELOAD=" VUNIFY_CRASH_LIBRARY,
          "ASAN_OPTIONS=verify_asan_link_order=0:detect_leaks=0",
          "CRASH_BEFORE=" + std::to_string(point.before),
          "SYNC_BEFORE=" + std::to_string(point.sync_before),
          "SYNC_PATH=" + point.sync_path,
          "CRASH_ONCE=" + point.once,
          "CRASH_MARK=" + point.mark};
}

Finished run_until(const CrashPoint& point, std::vector<std::string> command) {
  auto words = words_until(point);
  words.insert(words.end(), command.begin(), command.end());
  return run(words);
}

void sweep(int first, int stride, int steps, const std::function<Finished(int step)>& crash) {
  constexpr int far_too_many = 400;
  const int every = sweep_every();
  const int skipped = static_cast<int>(std::random_device()() % static_cast<unsigned>(every));
  for (int step = first + skipped * stride; step < far_too_many + stride * every; step += stride * every) {
    SCOPED_TRACE("killed before step " + std::to_string(step));
    const auto finished = crash(step);
    if (finished.status == killed) continue;
    EXPECT_EQ(finished.status, 0) << finished.out << finished.err;
    EXPECT_GT(step, steps) << "too few steps were killed";
    std::printf("the run ended by itself at step %d\n", step);
    return;
  }
  ADD_FAILURE() << "no run ended by itself";
}

CrashGuests::CrashGuests(const std::string& directory, const std::string& state_dir)
    : directory_(directory), state_dir_(state_dir) {
  const std::vector<std::string> unify{"vunify", "--jobs", "1", protect_by_flag(), "--state", state_dir};
  const auto with = [&](const std::string& one, const std::string& other) {
    auto words = unify;
    words.insert(words.end(), {directory + "/" + one, directory + "/" + other});
    return words;
  };
  must(shell(with_directory(first_files, directory)));
  must(shell(with_directory(all_mtimes, directory)));
  must(run(with("a", "b")));
  must(run(with("c", "d")));
  const bool by_guard = by_flag() == Protection::guard;  // which keeps flags, and lets names go
  must(shell(with_directory(by_guard ? guarded_last_names : last_names_by_flag, directory)));
  must(shell(with_directory(more_files, directory)));
  shell(with_directory(all_mtimes, directory));  // what is immutable keeps the time it has
  for (const auto* guest : guests) {
    for (auto& [path, line] : image_of(*this / guest)) before_[std::string(guest) + "/" + path] = line;
    own_links_[guest] = link_sets(*this / guest);
  }
}

std::vector<std::string> CrashGuests::command(const std::vector<std::string>& options) const {
  std::vector<std::string> words{"vunify", "--jobs", "1", protect_by_flag(), "--state", state_dir_};
  words.insert(words.end(), options.begin(), options.end());
  for (const auto* guest : guests) words.push_back(*this / guest);
  return words;
}

Finished CrashGuests::recover() const { return run({"vunify", "--state", state_dir_, "--recover"}); }

std::vector<std::vector<std::string>> CrashGuests::links() const {
  auto sets = link_sets(directory_);
  for (auto& set : sets)
    for (auto& path : set)
      if (path.ends_with("/copy1") || path.ends_with("/copy2")) path.pop_back();
  std::ranges::sort(sets);
  return sets;
}

std::string CrashGuests::faults(bool directories) const {
  std::string text;
  Images now;
  for (const auto* guest : guests)
    for (auto& [path, line] : image_of(*this / guest)) now[std::string(guest) + "/" + path] = line;
  for (const auto& [path, line] : before_) {
    const auto found = now.find(path);
    if (found == now.end())
      text += path + " is gone\n";
    else if (found->second != line && (directories || !std::filesystem::is_directory(*this / path)))
      text += path + " was " + line + "\n" + path + " is  " + found->second + "\n";
  }
  for (const auto& [path, line] : now)
    if (!before_.contains(path)) text += path + " is new\n";
  return text;
}

std::string CrashGuests::content_faults() const { return faults(false); }

std::string CrashGuests::image_faults() const {
  auto text = faults(true);
  for (const auto* guest : guests)
    if (link_sets(*this / guest) != own_links_.at(guest)) text += std::string(guest) + "'s own links have changed\n";
  return text;
}

std::string CrashGuests::protection_faults() const {
  std::string text;
  const FsId fs = fs_id(open_host(directory_, O_RDONLY | O_DIRECTORY).get());
  for_each_name(directory_, [&](int dir, const std::string& leaf, const std::string& path, const struct stat& st) {
    if (S_ISREG(st.st_mode) && path != ".vunify/probe") text += protection_fault(dir, leaf, path, fs, st);
  });
  return text;
}

std::string CrashGuests::last_names() const {
  std::string text;
  const FsId fs = fs_id(open_host(directory_, O_RDONLY | O_DIRECTORY).get());
  for_each_name(directory_, [&](int dir, const std::string& leaf, const std::string& path, const struct stat& st) {
    if (!S_ISREG(st.st_mode) || st.st_nlink != 1) return;
    if (is_marked_inode(dir, leaf, fs, st) && is_protected(dir, leaf)) text += path + "\n";
  });
  return text;
}

bool CrashGuests::has_staging() const { return std::filesystem::exists(*this / ".vunify"); }

std::string CrashGuests::staged() const {
  std::string text;
  if (!has_staging()) return text;
  for (const auto& entry : std::filesystem::recursive_directory_iterator(*this / ".vunify"))
    if (!entry.is_directory() && entry.path().filename() != "probe") text += entry.path().filename().string() + "\n";
  return text;
}

}  // namespace vunify::test
