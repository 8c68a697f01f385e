// SPDX-License-Identifier: Apache-2.0
// Extended attributes, ACLs and capabilities among them. The mark is not the guest's: it is neither shown nor set.
#include <sys/xattr.h>

#include "fuse/attempts.h"
#include "fuse/caller.h"
#include "fuse/changing.h"
#include "fuse/operations.h"
#include "fuse/served.h"
#include "sys/mark.h"
#include "sys/xattr.h"

namespace vunify {
namespace {

constexpr std::string_view access_acl = "system.posix_acl_access";

std::optional<std::string> value_of(Served& served, NodeId id, const char* name) {
  const auto address = served.addresses.of(id);
  return get_xattr_at(address.at().dir, address.at().leaf, name);
}

// As getxattr(2): a size of 0 asks how much there is.
void reply_value(fuse_req_t request, std::string_view value, std::size_t size) {
  if (size == 0)
    fuse_reply_xattr(request, value.size());
  else if (value.size() > size)
    fuse_reply_err(request, ERANGE);
  else
    fuse_reply_buf(request, value.data(), value.size());
}

std::string without_mark(std::string_view names) {
  std::string shown;
  while (!names.empty()) {
    const auto name = names.substr(0, names.find('\0'));
    if (!is_mark(name)) shown.append(name).push_back('\0');
    names.remove_prefix(name.size() + 1);
  }
  return shown;
}

// Of what will fail the link is not broken first.
bool changes(Served& served, NodeId id, const char* name, std::string_view value, int flags) {
  const auto is = value_of(served, id, name);
  if (is && (flags & XATTR_CREATE) != 0) throw std::system_error(EEXIST, std::generic_category(), name);
  if (!is && (flags & XATTR_REPLACE) != 0) throw std::system_error(ENODATA, std::generic_category(), name);
  return is != value;
}

// Noted only of an attribute that is not there, or is: after that an earlier worker's doing is no error.
void expect_as_asked(Served& served, NodeId id, const char* name, int flags) {
  if ((flags & XATTR_CREATE) != 0 && value_of(served, id, name))
    throw std::system_error(EEXIST, std::generic_category(), name);
}

// An ACL sets the mode, too, and with it setgid may go.
bool clears(Served& served, fuse_req_t request, NodeId id, std::string_view name) {
  return name == access_acl && clears_setgid(request, served.addresses.stat(id));
}

}  // namespace

void serve_getxattr(fuse_req_t request, fuse_ino_t id, const char* name, std::size_t size) {
  answer(request, [&](Served& served) {
    const auto value = is_mark(name) ? std::nullopt : value_of(served, served.nodes.current(id), name);
    value ? reply_value(request, *value, size) : void(fuse_reply_err(request, ENODATA));
  });
}

void serve_listxattr(fuse_req_t request, fuse_ino_t id, std::size_t size) {
  answer(request, [&](Served& served) {
    const auto address = served.addresses.of(served.nodes.current(id));
    reply_value(request, without_mark(list_xattrs_at(address.at().dir, address.at().leaf)), size);
  });
}

void serve_setxattr(fuse_req_t request, fuse_ino_t id, const char* name, const char* value, std::size_t size,
                    int flags) {
  answer(request, [&](Served& served) {
    if (is_mark(name)) throw std::system_error(EPERM, std::generic_category(), name);
    const NodeLock lock(served.nodes, id);
    auto current = served.nodes.current(id);
    const int asked = was_attempted(Attempted::attribute) ? flags & ~XATTR_CREATE : flags;
    if (served.cow.owner_of(current) != Owner::shared || changes(served, current, name, {value, size}, asked)) {
      current = served.cow.before_write(current, Keep::all, given_up(request));
      const auto address = served.addresses.of(current);
      const Changing changing(served, {size, 0}, {current});
      const WithoutFsetid drops(clears(served, request, current, name));
      expect_as_asked(served, current, name, asked);
      Attempting attempting({.what = Attempted::attribute});
      set_xattr_at(address.at().dir, address.at().leaf, name, {value, size}, asked);
      attempting.done();
    }
    fuse_reply_err(request, 0);
  });
}

void serve_removexattr(fuse_req_t request, fuse_ino_t id, const char* name) {
  answer(request, [&](Served& served) {
    if (is_mark(name)) throw std::system_error(ENODATA, std::generic_category(), name);
    const NodeLock lock(served.nodes, id);
    auto current = served.nodes.current(id);
    if (value_of(served, current, name)) {
      current = served.cow.before_write(current, Keep::all, given_up(request));
      const auto address = served.addresses.of(current);
      const Changing changing(served, {}, {current});
      Attempting attempting({.what = Attempted::attribute});
      remove_xattr_at(address.at().dir, address.at().leaf, name);
      attempting.done();
    } else if (!was_attempted(Attempted::attribute)) {
      throw std::system_error(ENODATA, std::generic_category(), name);
    }
    fuse_reply_err(request, 0);
  });
}

}  // namespace vunify
