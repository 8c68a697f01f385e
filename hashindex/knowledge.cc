// SPDX-License-Identifier: Apache-2.0
#include "hashindex/knowledge.h"

#include <tbb/parallel_sort.h>

#include <cassert>

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

constexpr std::size_t most_questions = 1 << 18;  // kept and sorted at a time

// Questions are gathered, and answered in the order of their keys.
struct Lookup {
  const Store& store;
  const Survey& survey;
  bool by_layout;
  std::vector<Known>& known;
  std::vector<Question> questions;
  RecordReader reader;

  void ask(std::uint32_t inode, std::size_t slot) {
    if (const auto fs = store.number_of(survey.guest_of(inode).fs))
      questions.push_back({{*fs, survey.file_of(inode).ino}, inode, slot});
    if (questions.size() == most_questions) answer();
  }

  void answer() {
    tbb::parallel_sort(questions.begin(), questions.end(),
                       [](const Question& a, const Question& b) { return a.key < b.key; });
    for (const auto& question : questions) {
      const auto record = reader.find(question.key);
      const bool unwalked = survey.candidates.unwalked_at(question.inode) != nullptr;
      if (record && record->by_layout == by_layout &&
          (unwalked || is_trusted_here(*record, survey.file_of(question.inode))))
        known[question.slot] = {record->digest, record->match};
    }
    questions.clear();
  }
};

}  // namespace

bool KnownShared::contains(const FsId& fs, const Inode& inode) const {
  const auto number = store_.number_of(fs);
  if (!number) return false;
  auto& reader = readers_.local();
  if (!reader) reader = std::make_unique<RecordReader>(store_);
  const auto record = reader->find({*number, inode.ino});
  return record && is_trusted_shared(*record, inode);
}

Knowledge::Knowledge(const Store& store, const Survey& survey, bool by_layout) {
  if (store.count(Store::inodes) == 0) return;
  Lookup lookup{store, survey, by_layout, known_, {}, RecordReader(store)};
  std::size_t members = 0;
  for (const auto& group : survey.candidates.groups) members += group.count + group.unwalked_count;
  known_.resize(members);
  ends_.reserve(survey.candidates.groups.size());
  std::size_t slot = 0;
  for (const auto& group : survey.candidates.groups) {
    for (const auto inode : survey.candidates.members(group)) lookup.ask(inode, slot++);
    ends_.push_back(slot);
  }
  lookup.answer();
}

std::span<const Known> Knowledge::of_group(std::size_t group) const {
  if (ends_.empty()) return {};
  assert(group < ends_.size());
  const auto first = group == 0 ? 0 : ends_[group - 1];
  return std::span(known_).subspan(first, ends_[group] - first);
}

}  // namespace vunify
