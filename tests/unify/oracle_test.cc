// SPDX-License-Identifier: Apache-2.0
// The program against an oracle, slow and obvious: it reads every file, calls those of equal bytes and equal metadata
// one class, and counts. Of a class, the r-th copies of all guests that have so many become one inode.
#include <sys/stat.h>

#include <algorithm>
#include <nlohmann/json.hpp>
#include <set>

#include "sys/fd.h"
#include "tests/random_guests.h"
#include "tests/scratch.h"
#include "tests/seeds.h"
#include "tests/shared.h"
#include "tests/tree.h"

namespace vunify::test {
namespace {

using GuestPaths = std::vector<std::string>;

// Of each guest, by class (the image of a file is its bytes and all its metadata): names that lead to shared inodes.
using SharedNames = std::map<std::pair<std::string, std::string>, std::size_t>;

struct Answer {
  std::uint64_t linked_files = 0;
  std::uint64_t freed_bytes = 0;
  SharedNames shared;
};

struct Class {
  std::map<std::string, std::size_t> copies;  // by guest
  std::uint64_t bytes = 0;                    // on disk, of one
};

// Shows every file that may share its inode: not those the guest hard-linked itself, and not the empty ones.
void for_each_file(const GuestPaths& guests, bool hard_linked,
                   const std::function<void(const std::string& guest, const std::string& path, const std::string& image,
                                            const struct stat& st)>& look) {
  for (const auto& guest : guests) {
    const auto image = image_of(guest);
    for_each_name(guest, [&](int, const std::string&, const std::string& path, const struct stat& st) {
      if (S_ISREG(st.st_mode) && st.st_size > 0 && (hard_linked || st.st_nlink == 1))
        look(guest, path, image.at(path), st);
    });
  }
}

Answer ask_oracle(const GuestPaths& guests) {
  std::map<std::string, Class> classes;
  for_each_file(guests, false, [&](const auto& guest, const auto&, const auto& image, const struct stat& st) {
    ++classes[image].copies[guest];
    classes[image].bytes = static_cast<std::uint64_t>(st.st_blocks) * 512;
  });
  Answer answer;
  for (const auto& [image, files] : classes) {
    for (std::size_t rank = 0;; ++rank) {
      GuestPaths holders;
      for (const auto& [guest, copies] : files.copies)
        if (copies > rank) holders.push_back(guest);
      if (holders.size() < 2) break;
      answer.linked_files += holders.size() - 1;
      answer.freed_bytes += files.bytes * (holders.size() - 1);
      for (const auto& guest : holders) ++answer.shared[{guest, image}];
    }
  }
  return answer;
}

SharedNames shared_names(const GuestPaths& guests) {
  SharedNames names;
  for_each_file(guests, true, [&](const auto& guest, const auto& path, const auto& image, const struct stat&) {
    if (has_mark(guest + "/" + path)) ++names[{guest, image}];
  });
  return names;
}

std::uint64_t free_bytes(const LoopFs& fs) {
  const Fd root = open_directory(fs.root(), "");
  sync_filesystem(root.get(), fs.root());
  return space_of(root.get()).free;
}

nlohmann::json vunify(const Scratch& state, const std::vector<std::string>& options, const GuestPaths& guests) {
  std::vector<std::string> command = {"vunify", "--json", protect_by_flag(), "--state", state / "state"};
  command.insert(command.end(), options.begin(), options.end());
  command.insert(command.end(), guests.begin(), guests.end());
  const auto finished = run(command);
  EXPECT_EQ(finished.status, 0) << finished.err << finished.out;
  return nlohmann::json::parse(finished.out, nullptr, false);
}

void expect_answer(const nlohmann::json& report, const Answer& answer) {
  EXPECT_EQ(report.at("linked_files"), answer.linked_files);
  EXPECT_EQ(report.at("freed_bytes"), answer.freed_bytes);
}

TEST(AgainstTheOracle, PlanAndRunLinkWhatItCounts) {
  const LoopFs fs("ext4", 512);
  if (!fs.ok()) GTEST_SKIP() << fs.reason();
  const Scratch state;
  for (const auto seed : draw_seeds(draw(16).size())) {
    SCOPED_TRACE("VUNIFY_SEED=" + std::to_string(seed));
    const Scratch dir({}, fs.root());
    const auto guests = grow_guests(dir.root(), seed, {.guests = 2 + seed % 4, .files = 60});
    const auto free = free_bytes(fs);
    const auto answer = ask_oracle(guests);
    EXPECT_GT(answer.linked_files, 0u) << "else it shows nothing";
    expect_answer(vunify(state, {"-n"}, guests), answer);
    EXPECT_TRUE(shared_names(guests).empty());
    expect_answer(vunify(state, {}, guests), answer);
    EXPECT_EQ(shared_names(guests), answer.shared);
    EXPECT_EQ(free_bytes(fs) - free, answer.freed_bytes);
    if (HasFailure()) return;
  }
}

}  // namespace
}  // namespace vunify::test
