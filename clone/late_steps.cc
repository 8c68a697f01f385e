// SPDX-License-Identifier: Apache-2.0
#include "clone/late_steps.h"

#include <fcntl.h>

#include <algorithm>
#include <string_view>
#include <system_error>

#include "sys/inode_attr.h"

namespace vunify {

void LateSteps::add(AddRequest link) {
  const std::lock_guard lock(adding_);
  links_.push_back(std::move(link));
}

void LateSteps::add(LateDirectory directory) {
  const std::lock_guard lock(adding_);
  directories_.push_back(std::move(directory));
}

void LateSteps::add(LateFlags flags) {
  const std::lock_guard lock(adding_);
  flags_.push_back(std::move(flags));
}

void LateSteps::link_all(NameAdder& adder, const std::function<void(const AddRequest&)>& copy,
                         const std::function<bool()>& stop) {
  std::ranges::sort(links_, {}, [](const AddRequest& link) -> std::string_view { return link.to.path; });
  const auto results = adder.run(links_, stop);
  for (std::size_t i = 0; i < results.size(); ++i) {
    if (stop()) throw std::system_error(EINTR, std::generic_category(), links_[i].from.path);
    const auto& [is_added, reason] = results[i];
    if (is_added && !reason.empty()) throw std::system_error(EBUSY, std::generic_category(), links_[i].from.path);
    if (!is_added) copy(links_[i]);
  }
}

void LateSteps::finish(const RootDir& tree, NameAdder& adder, const std::function<void(const AddRequest&)>& copy,
                       const std::function<bool()>& stop) {
  link_all(adder, copy, stop);
  for (const auto& [path, accessed, modified] : directories_)
    set_times(tree.open_directory(path).get(), accessed, modified);
  for (const auto& [path, flags] : flags_)
    change_inode_flags(tree.open(path, O_RDONLY | O_NOFOLLOW | O_NONBLOCK).get(), flags, 0);
}

}  // namespace vunify
