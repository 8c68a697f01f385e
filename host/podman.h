// SPDX-License-Identifier: Apache-2.0
// The containers of podman, root's own: what DRIVER-containers/containers.json of its storage names. With the driver
// "vfs" each has a whole copy; "overlay" shares as it is. What is no container's, the layers of images, is never
// touched. A container that was made with --rootfs has no image and an empty layer here: where its tree is only
// podman's database tells.
#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "host/told.h"

namespace vunify {

// file: STORAGE/DRIVER-containers/containers.json, that the text is of. Throws Misconfigured where it is no such list.
std::vector<ToldGuest> read_podman_containers(std::string_view text, const std::string& file);

// host: what stands before /etc and /var, where that is not the host itself.
Told podman_guests(const std::string& host = {});

}  // namespace vunify
