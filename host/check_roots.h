// SPDX-License-Identifier: Apache-2.0
// The roots that providers told of, looked at: is each there, whose is it, and is it no other guest's, nor the host's?
// A guest's tree can be changed by that guest: whose root is come by through it, or has the host's configuration in
// it, is not taken.
#pragma once

#include <string>
#include <vector>

#include "host/told.h"

namespace vunify {

// In the order of their names. Roots are resolved then, an adopted guest's being where it is seen (guest/adopted.h).
// What stands against one is a mistake that names the file, and the line, that names the root. Of guests with one root
// the first stays. A layer of any overlay is left alone, mounted or not. config: the directory that tells of vservers.
// Nothing that is mounted on a root is asked.
HostGuests check_roots(Told told, const std::string& config);

}  // namespace vunify
