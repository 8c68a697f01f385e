// SPDX-License-Identifier: Apache-2.0
#include "account/sample_record.h"

#include "db/bytes.h"

namespace vunify {
namespace {

constexpr std::size_t most_text_bytes = 4096;  // a path's; in all less than LMDB's largest value that we believe

void put_text(std::string& bytes, std::string_view text) {
  const auto kept = text.substr(0, most_text_bytes);
  put(bytes, static_cast<std::uint32_t>(kept.size()));
  bytes += kept;
}

std::string take_text(Unpack& in) {
  const auto length = in.take<std::uint32_t>();
  const std::string text(in.rest().substr(0, length));
  in = Unpack(in.rest().substr(text.size()));
  return text;
}

}  // namespace

std::string to_bytes(const Sample& sample) {
  std::string bytes;
  put(bytes, static_cast<std::uint64_t>(sample.taken.sec));
  put(bytes, sample.taken.nsec);
  for (const auto number : {sample.total, sample.used, sample.available, sample.deleted_open}) put(bytes, number);
  put_text(bytes, sample.path);
  return bytes;
}

Sample sample_from(const FsId& fs, std::string_view bytes) {
  Unpack in(bytes);
  Sample sample;
  sample.fs = fs;
  sample.taken.sec = static_cast<std::int64_t>(in.take<std::uint64_t>());
  sample.taken.nsec = in.take<std::uint32_t>();
  for (auto* number : {&sample.total, &sample.used, &sample.available, &sample.deleted_open})
    *number = in.take<std::uint64_t>();
  sample.path = take_text(in);
  return sample;
}

std::string to_bytes(const HolderSample& holder) {
  std::string bytes;
  put(bytes, static_cast<std::uint8_t>(holder.xid ? 1 : 0));
  put(bytes, holder.xid.value_or(0));
  const auto& usage = holder.usage;
  for (const auto number : {usage.logical, usage.exclusive, usage.fair, usage.inodes, usage.deunify_need})
    put(bytes, number);
  put_text(bytes, holder.name);
  put_text(bytes, holder.key);
  return bytes;
}

HolderSample holder_from(std::string_view bytes) {
  Unpack in(bytes);
  HolderSample holder;
  const bool has_xid = in.take<std::uint8_t>() != 0;
  const auto xid = in.take<std::uint32_t>();
  if (has_xid) holder.xid = xid;
  auto& usage = holder.usage;
  for (auto* number : {&usage.logical, &usage.exclusive, &usage.fair, &usage.inodes, &usage.deunify_need})
    *number = in.take<std::uint64_t>();
  holder.name = take_text(in);
  holder.key = take_text(in);
  return holder;
}

std::string to_bytes(const ContentSample& content) {
  std::string bytes;
  put(bytes, content.bytes);
  put(bytes, content.holders);
  put_text(bytes, content.guest);
  put_text(bytes, content.path);
  return bytes;
}

ContentSample content_from(std::string_view bytes) {
  Unpack in(bytes);
  ContentSample content;
  content.bytes = in.take<std::uint64_t>();
  content.holders = in.take<std::uint32_t>();
  content.guest = take_text(in);
  content.path = take_text(in);
  return content;
}

}  // namespace vunify
