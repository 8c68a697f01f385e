// SPDX-License-Identifier: Apache-2.0
#include "hashindex/keepers.h"

#include <sys/stat.h>

#include "db/bytes.h"

namespace vunify {

Keepers::Keepers(const Store& store)
    : store_(store),
      reading_(store.environment(), lmdb::Access::read),
      cursor_(reading_, store.table(Store::keepers)) {}

std::vector<UnwalkedKeeper> Keepers::like(std::uint32_t guest, const FsId& fs, const File& file, KeptBy kept) {
  std::vector<UnwalkedKeeper> keepers;
  const auto number = store_.number_of(fs);
  if (!number) return keepers;
  std::string prefix;
  put(prefix, *number);
  put(prefix, file.stamp.size);
  const auto mode = static_cast<std::uint32_t>(S_IFREG) | file.mode;
  const auto wanted = stat_hash(store_.key(), mode, file.uid, file.gid, file.stamp.mtime.full().sec, kept);
  for (auto entry = cursor_.at_or_after(prefix); entry && entry->key.starts_with(prefix); entry = cursor_.next()) {
    Unpack value(entry->value);
    if (value.take<std::uint64_t>() != wanted) continue;
    keepers.push_back({guest, file, std::string(value.rest())});
    keepers.back().file.ino = Unpack(entry->key.substr(prefix.size())).take<std::uint64_t>();
  }
  return keepers;
}

}  // namespace vunify
