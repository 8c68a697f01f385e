// SPDX-License-Identifier: Apache-2.0
#include "move/have_list.h"

#include <tbb/parallel_for.h>

#include <mutex>

#include "move/stream.h"

namespace vunify {

HaveList list_contents(const std::vector<AlikeFile>& files) {
  HaveList list(TransferKey::fresh());
  std::mutex adding;
  tbb::parallel_for(std::size_t{0}, files.size(), [&](std::size_t i) {
    try {
      const Fd fd = files[i].root->open_regular(files[i].path);
      const auto fingerprint = fingerprint_of(fd.get(), list.key());
      const std::lock_guard lock(adding);
      list.add(files[i].size, files[i].is_sparse, fingerprint);
    } catch (const std::system_error&) {  // then it is not there for who comes later, either
    }
  });
  return list;
}

void HaveList::write(int fd) const {
  StreamOut out(fd);
  out.send(Kind::list, {key_.bytes, number_bytes(sparse_.size() + dense_.size())});
  for (const auto* contents : {&sparse_, &dense_})
    for (const auto& [fingerprint, size] : *contents)
      out.send(Kind::content, {contents == &sparse_ ? "1" : "0", number_bytes(size), fingerprint.view()});
  out.end();
}

HaveList HaveList::read(int fd) {
  StreamIn in(fd);
  Fields head(in.expect(Kind::list));
  HaveList list({std::string(head.raw(TransferKey::size))});
  for (auto count = head.number<std::uint32_t>(); count > 0; --count) {
    Fields fields(in.expect(Kind::content));
    const bool is_sparse = fields.raw(1) == "1";
    const auto size = fields.number<std::uint64_t>();
    list.add(size, is_sparse, fingerprint_from(fields));
  }
  in.expect_end();
  return list;
}

}  // namespace vunify
