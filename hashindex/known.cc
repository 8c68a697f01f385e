// SPDX-License-Identifier: Apache-2.0
#include "hashindex/known.h"

#include <tbb/parallel_sort.h>

namespace vunify {
namespace {

// A question to the index: whose record, and where the answer goes.
struct Question {
  InodeKey key;
  std::uint32_t inode = 0;
  std::size_t slot = 0;
};

// The walk saw a shared inode's mark, or knew it. One that was only now adopted is not what a record of a shared inode
// speaks of.
bool is_trusted_here(const Record& record, const File& file) {
  if (!file.marked) return is_trusted(record, file.stamp.full());
  return record.shared && record.size == file.stamp.size && record.mtime == file.stamp.mtime.full();
}

}  // namespace

bool KnownShared::contains(const FsId& fs, const Inode& inode) const {
  const auto number = store_.number_of(fs);
  if (!number) return false;
  auto& reader = readers_.local();
  if (!reader) reader = std::make_unique<RecordReader>(store_);
  const auto record = reader->find({*number, inode.ino});
  return record && is_trusted_shared(*record, inode);
}

Knowledge::Knowledge(const Store& store, const Scan& scan, const Candidates& candidates, bool by_place) {
  std::vector<Question> questions;
  for (const auto& group : candidates.groups) {
    for (const auto inode : candidates.members(group)) {
      if (const auto fs = store.number_of(scan.trees[candidates.guest_of(inode)].fs))
        questions.push_back({{*fs, candidates.file_of(scan, inode).ino}, inode, known_.size()});
      known_.emplace_back();
    }
    ends_.push_back(known_.size());
  }
  tbb::parallel_sort(questions.begin(), questions.end(),
                     [](const Question& a, const Question& b) { return a.key < b.key; });
  RecordReader reader(store);
  for (const auto& question : questions) {
    const auto record = reader.find(question.key);
    const bool called = candidates.called_at(question.inode) != nullptr;
    if (record && record->by_place == by_place &&
        (called || is_trusted_here(*record, candidates.file_of(scan, question.inode))))
      known_[question.slot] = {record->digest, record->policy};
  }
}

std::span<const Known> Knowledge::of_group(std::size_t group) const {
  if (ends_.empty()) return {};
  const auto first = group == 0 ? 0 : ends_[group - 1];
  return std::span(known_).subspan(first, ends_[group] - first);
}

}  // namespace vunify
