// SPDX-License-Identifier: Apache-2.0
#include "hashindex/recorded.h"

#include <sys/stat.h>

#include "db/bytes.h"

namespace vunify {

RecordedShared::RecordedShared(const Store& store)
    : store_(store),
      records_(store),
      reading_(store.environment(), lmdb::Access::read),
      keepers_(reading_, store.table(Store::keepers)) {}

std::optional<Recorded> RecordedShared::find(const FsId& fs, const File& file) {
  const auto number = store_.number_of(fs);
  if (!number) return std::nullopt;
  const auto record = records_.find({*number, file.ino});
  if (!record || !record->shared || record->by_layout || !record->has_digest()) return std::nullopt;
  std::string key;
  put(key, *number);
  put(key, record->size);
  put(key, file.ino);
  const auto keeper = keepers_.find(key);
  const auto mtime = file.stamp.mtime.full();
  const auto mode = static_cast<std::uint32_t>(S_IFREG) | file.mode;
  const auto is_of = [&, was = keeper ? Unpack(keeper->value).take<std::uint64_t>() : 0](KeptBy kept) {
    return was == stat_hash(store_.key(), mode, file.uid, file.gid, mtime.sec, kept);
  };
  const bool stat_agrees = !keeper || is_of(KeptBy::flag) || is_of(KeptBy::cow);  // its guests may be adopted since
  return Recorded{*record, stat_agrees && record->size == file.stamp.size && record->mtime == mtime};
}

}  // namespace vunify
