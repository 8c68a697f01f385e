// SPDX-License-Identifier: Apache-2.0
#include "unify/linker.h"

#include <cassert>
#include <chrono>

namespace vunify {
namespace {

constexpr std::size_t batch_names = 4096;        // between two records of a journal
constexpr std::uint64_t batch_bytes = 64 << 20;  // of fresh keepers, which others may want the space of

}  // namespace

Batch& Linker::batch_at(std::uint32_t place) {
  const auto& where = places_.all()[place];
  assert(where.staging);
  const auto& staging = *where.staging;
  const auto worker = places_.shares_staging(place) ? worker_ + "." + std::to_string(place) : worker_;
  return batches_.try_emplace(place, journal_, staging.fd(), staging.path(), where.mount, worker).first->second;
}

std::size_t Linker::open_files() const {
  std::size_t files = 0;
  for (const auto& [place, batch] : batches_) files += batch.open_files();
  return files;
}

template <typename Step>
void Linker::commit(const Step& step) {
  if (broken_off_) return;
  const auto start = std::chrono::steady_clock::now();
  try {
    step();
  } catch (const std::system_error& error) {
    broken_off_ = error;
  }
  nanoseconds_ += static_cast<std::uint64_t>((std::chrono::steady_clock::now() - start).count());
}

void Linker::add(std::uint32_t place, LinkRequest request, Batch::Done done) {
  auto& batch = batch_at(place);
  batch.add(std::move(request), std::move(done));
  if (broken_off_) return batch.drop();
  if (batch.names() >= batch_names || batch.fresh_bytes() >= batch_bytes) return commit([&] { batch.apply(); });
  if (open_files() >= most_open_) apply_all();
}

void Linker::apply_all() {
  for (auto& [place, batch] : batches_) commit([&, &one = batch] { one.apply(); });
  if (!broken_off_) return;
  for (auto& [place, batch] : batches_) batch.drop();
}

void Linker::end() {
  apply_all();
  commit([this] { journal_.end(); });
}

}  // namespace vunify
