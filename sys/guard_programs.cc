// SPDX-License-Identifier: Apache-2.0
#include "sys/guard_programs.h"

#include <bpf/bpf.h>
#include <bpf/btf.h>
#include <bpf/libbpf.h>
#include <sys/vfs.h>

#include <algorithm>
#include <array>
#include <bit>
#include <cerrno>
#include <cstdarg>
#include <cstdio>
#include <filesystem>
#include <fstream>
#include <memory>
#include <string_view>
#include <system_error>
#include <vector>

#include "kernel-cow/guard.h"
#include "sys/fd.h"
#include "sys/guard.h"

namespace vunify {
namespace {

// kernel-cow/guard.bpf.c, compiled: see CMakeLists.txt.
alignas(8) constexpr unsigned char object[] = {
#include "guard_object.inc"
};

constexpr std::string_view hook_sections = "lsm/";
constexpr long bpf_fs_magic = 0xcafe4a11;          // include/uapi/linux/magic.h: BPF_FS_MAGIC
constexpr std::uint64_t least_entries = 1U << 20;  // takes 16 MiB of the kernel's memory

const std::filesystem::path directory = VUNIFY_GUARD_DIRECTORY;
const std::filesystem::path map_pin = directory / VUNIFY_GUARD_MAP;

using Btf = std::unique_ptr<btf, decltype(&btf__free)>;
using Object = std::unique_ptr<bpf_object, decltype(&bpf_object__close)>;
using Link = std::unique_ptr<bpf_link, int (*)(bpf_link*)>;

// The first thing that libbpf complained of.
std::string& complaint() {
  static std::string text;
  return text;
}

[[gnu::format(printf, 2, 0)]] int take_complaint(libbpf_print_level level, const char* format, va_list arguments) {
  std::array<char, 1024> line{};
  const int length = std::vsnprintf(line.data(), line.size(), format, arguments);
  std::string_view said(line.data());
  if (said.starts_with("libbpf: ")) said.remove_prefix(8);
  if (level == LIBBPF_WARN && complaint().empty()) complaint() = said.substr(0, said.find('\n'));
  return length;
}

// Empty where it cannot be read.
std::string first_line(const char* path) {
  std::string line;
  std::getline(std::ifstream(path), line);
  return line;
}

bool is_word_of(const std::string& list, std::string_view word) {
  return ("," + list + ",").find("," + std::string(word) + ",") != std::string::npos;
}

bool has_bpf_fs() {
  struct statfs fs {};
  return ::statfs(directory.parent_path().c_str(), &fs) == 0 && static_cast<long>(fs.f_type) == bpf_fs_magic;
}

[[noreturn]] void refuse(int error, const std::string& what) {
  const auto reason = std::generic_category().message(error);
  if (error == EPERM)
    throw GuardRefused("the kernel takes no BPF LSM program (" + reason +
                       "): load it on the host, as root with CAP_SYS_ADMIN, CAP_BPF and CAP_PERFMON; where these are "
                       "there, the machine itself forbids it, and --protect=cow (vcow) needs none");
  throw GuardRefused(what + ": " + reason + (complaint().empty() ? "" : " (" + complaint() + ")") +
                     ": this kernel is not one that the guard knows; tell which (uname -r)");
}

// Of a hook's arguments, as the running kernel has them; nothing where it has no such hook.
std::size_t arguments_of(const btf* kernel, const std::string& hook) {
  const auto function = btf__find_by_name_kind(kernel, ("bpf_lsm_" + hook).c_str(), BTF_KIND_FUNC);
  if (function < 0) return 0;
  return btf_vlen(btf__type_by_id(kernel, btf__type_by_id(kernel, static_cast<__u32>(function))->type));
}

// Before Linux 6.9 inode_setattr had two arguments: guard.bpf.c has a program for either.
bool is_of_this_kernel(const btf* kernel, const bpf_program* program) {
  const std::string_view name = bpf_program__name(program), section = bpf_program__section_name(program);
  const auto arguments = arguments_of(kernel, std::string(section.substr(hook_sections.size())));
  if (name == "inode_setattr") return arguments > 2;
  return name == "inode_setattr_old" ? arguments == 2 : arguments > 0;
}

Object open_object() {
  bpf_object_open_opts options{};
  options.sz = sizeof options;
  options.object_name = "vunify_guard";
  Object opened(bpf_object__open_mem(object, sizeof object, &options), bpf_object__close);
  if (!opened) refuse(errno, "the guard's object");
  return opened;
}

void choose_programs(bpf_object* opened) {
  const Btf kernel(btf__load_vmlinux_btf(), btf__free);
  if (!kernel) refuse(errno, "/sys/kernel/btf/vmlinux");
  bpf_program* program = nullptr;
  bpf_object__for_each_program(program, opened)
      bpf_program__set_autoload(program, is_of_this_kernel(kernel.get(), program));
}

// -1 with errno where it cannot be had.
int reuse_map(bpf_map* map) {
  const Fd kept(bpf_obj_get(map_pin.c_str()));
  bpf_map_info info{};
  std::uint32_t size = sizeof info;
  if (!kept || bpf_obj_get_info_by_fd(kept.get(), &info, &size) != 0) return -1;
  if (info.key_size != sizeof(vunify_guard_key) || info.value_size != 1)
    throw GuardRefused(
        "the guard that is loaded is of another vunify: while no guest runs, vguard unload, vguard load");
  return bpf_map__reuse_fd(map, kept.get());
}

// The one that is there, or one of so much room that will be.
void choose_map(bpf_object* opened, bool is_there, std::uint64_t room) {
  auto* map = bpf_object__find_map_by_name(opened, VUNIFY_GUARD_MAP);
  int result = 0;
  if (is_there) {
    result = reuse_map(map);
  } else {
    bpf_map__set_max_entries(map, static_cast<__u32>(std::bit_ceil(std::max(room, least_entries))));
    result = bpf_map__set_pin_path(map, map_pin.c_str());
  }
  if (result != 0) refuse(errno, map_pin.string());
}

// All of them are in force, or none of these is, for they go with what is returned.
std::vector<std::pair<std::string, Link>> attach(bpf_object* loaded) {
  std::vector<std::pair<std::string, Link>> links;
  bpf_program* program = nullptr;
  bpf_object__for_each_program(program, loaded) {
    if (!bpf_program__autoload(program)) continue;
    Link link(bpf_program__attach(program), bpf_link__destroy);
    if (!link) refuse(errno, bpf_program__name(program));
    links.emplace_back(bpf_program__name(program), std::move(link));
  }
  return links;
}

// In the place of the old one in one step: killed in between, one of them is there. bpffs takes no dot in a name.
void pin(const std::string& name, bpf_link* link) {
  const auto path = directory / name, aside = directory / ("new_" + name);
  std::filesystem::remove(aside);
  if (bpf_link__pin(link, aside.c_str()) != 0) throw std::system_error(errno, std::generic_category(), path.string());
  std::filesystem::rename(aside, path);
}

// The one that says that the guard is loaded comes last.
void pin(std::vector<std::pair<std::string, Link>>& links) {
  std::stable_partition(links.begin(), links.end(), [](const auto& link) { return link.first != VUNIFY_GUARD_SIGN; });
  for (auto& [name, link] : links) pin(name, link.get());
}

}  // namespace

std::string what_hinders_guard() {
  const auto modules = first_line("/sys/kernel/security/lsm");
  if (modules.empty())
    return "which LSMs the kernel has cannot be read: mount -t securityfs securityfs /sys/kernel/security";
  if (!is_word_of(modules, "bpf"))
    return "the kernel was booted without the bpf LSM: boot it with lsm=" + modules + ",bpf";
  if (first_line("/sys/kernel/security/lockdown").find("[confidentiality]") != std::string::npos)
    return "the kernel is locked down for confidentiality: boot it with lockdown=integrity";
  if (!std::filesystem::exists("/sys/kernel/btf/vmlinux"))
    return "the kernel does not tell its types: it has to be built with CONFIG_DEBUG_INFO_BTF, as Debian's are";
  if (!has_bpf_fs())
    return "nothing is mounted where the guard is kept: mount -t bpf bpf " + directory.parent_path().string();
  return {};
}

void load_guard(std::uint64_t room) {
  complaint().clear();
  libbpf_set_print(take_complaint);
  const bool is_there = std::filesystem::exists(map_pin);
  try {
    const auto opened = open_object();
    choose_programs(opened.get());
    choose_map(opened.get(), is_there, room);
    if (bpf_object__load(opened.get()) != 0) refuse(errno, "the guard's programs");
    auto links = attach(opened.get());
    pin(links);
    for (auto& [name, link] : links) bpf_link__disconnect(link.get());
  } catch (...) {
    if (!is_there) unload_guard();
    throw;
  }
}

bool unload_guard() {
  if (!std::filesystem::exists(directory)) return false;
  empty_guard();
  std::filesystem::remove(directory / VUNIFY_GUARD_SIGN);  // killed before the last, it is not loaded
  std::vector<std::filesystem::path> pins;
  for (const auto& pin : std::filesystem::directory_iterator(directory))
    if (pin.path() != map_pin) pins.push_back(pin.path());
  for (const auto& pin : pins) std::filesystem::remove(pin);
  std::filesystem::remove(map_pin);
  return std::filesystem::remove(directory);
}

}  // namespace vunify
