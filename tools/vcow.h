// SPDX-License-Identifier: Apache-2.0
// The verbs of vcow, each given its own words: argv[0] is the verb.
#pragma once

#include "tools/cli.h"

namespace vunify {

Exit vcow_mount(int argc, char** argv);
Exit vcow_umount(int argc, char** argv);
Exit vcow_adopt(int argc, char** argv);
Exit vcow_release(int argc, char** argv);
Exit vcow_list(int argc, char** argv);
Exit vcow_status(int argc, char** argv);
Exit vcow_upgrade(int argc, char** argv);

}  // namespace vunify
