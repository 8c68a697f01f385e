// SPDX-License-Identifier: Apache-2.0
#include "sys/capability.h"

#include <sys/prctl.h>
#include <sys/syscall.h>
#include <unistd.h>

#include <array>
#include <cstdint>
#include <string>
#include <system_error>

#include "sys/fd.h"
#include "sys/processes.h"

namespace vunify {
namespace {

// "CapBnd:\t000001ffffffffff"
std::uint64_t set_of(const std::string& process, const std::string& name) {
  const auto set = status_of(process, name);
  return set.empty() ? 0 : std::stoull(set, nullptr, 16);
}

// include/uapi/linux/capability.h, _LINUX_CAPABILITY_VERSION_3: three masks for each 32 capabilities.
struct Header {
  std::uint32_t version = 0x20080522;
  int thread = 0;  // the caller
};
struct Masks {
  std::uint32_t effective = 0, permitted = 0, inheritable = 0;
};
using AllMasks = std::array<Masks, 2>;

AllMasks get_masks() {
  Header header;
  AllMasks masks{};
  check(::syscall(SYS_capget, &header, masks.data()), "capget");
  return masks;
}

void set_masks(const AllMasks& masks) {
  Header header;
  check(::syscall(SYS_capset, &header, masks.data()), "capset");
}

bool holds(std::uint64_t set, unsigned capability) { return (set >> capability & 1) != 0; }

}  // namespace

bool has_capability(unsigned capability) { return holds(set_of("self", "CapEff:"), capability); }

bool process_has_capability(int process, unsigned capability) {
  try {
    return process > 0 && holds(set_of(std::to_string(process), "CapEff:"), capability);
  } catch (const std::system_error&) {
    return false;
  }
}

void change_capabilities_in_force(unsigned into, unsigned out_of) {
  auto masks = get_masks();
  masks[0].effective = ((masks[0].effective | into) & ~out_of) & masks[0].permitted;
  set_masks(masks);
}

// The bounding set holds them too until it is cut: no_new_privs keeps a program that is executed from using it.
void keep_capabilities(unsigned mask) {
  check(::prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0), "prctl");
  for (int capability = 0; ::prctl(PR_CAPBSET_READ, capability, 0, 0, 0) >= 0; ++capability)
    if (capability >= 32 || (mask >> capability & 1) == 0) ::prctl(PR_CAPBSET_DROP, capability, 0, 0, 0);
  auto masks = get_masks();
  set_masks({Masks{masks[0].effective & mask, masks[0].permitted & mask, 0}, Masks{}});
}

void limit_capabilities(std::uint64_t mask) {
  check(::prctl(PR_CAP_AMBIENT, PR_CAP_AMBIENT_CLEAR_ALL, 0, 0, 0), "prctl");
  for (unsigned capability = 0; ::prctl(PR_CAPBSET_READ, capability, 0, 0, 0) >= 0; ++capability)
    if (!holds(mask, capability)) check(::prctl(PR_CAPBSET_DROP, capability, 0, 0, 0), "prctl");
  auto masks = get_masks();
  for (std::size_t i = 0; i < masks.size(); ++i) {
    const auto kept = static_cast<std::uint32_t>(mask >> (32 * i));
    masks[i] = {masks[i].effective & kept, masks[i].permitted & kept, 0};
  }
  set_masks(masks);
}

std::uint64_t bounding_capabilities(int process) { return set_of(std::to_string(process), "CapBnd:"); }

bool may_have_capability(int process, unsigned capability) {
  try {
    const auto number = std::to_string(process);
    return holds(set_of(number, "CapBnd:"), capability) &&
           link_of_process(number, "ns/user") == link_of_process("self", "ns/user");
  } catch (const std::system_error&) {
    return false;
  }
}

}  // namespace vunify
