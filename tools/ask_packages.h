// SPDX-License-Identifier: Apache-2.0
// vunify --packages: which files are asked for, and what is said of it.
#pragma once

#include "tools/choose.h"
#include "tools/options.h"
#include "unify/outcome.h"

namespace vunify {

// Where packages were named: leaves to be asked for (GuestRules::asked) what these have in REF, the first that was
// chosen, and in another guest under the same name and version, and prints "Unify pkg NAME-VERSION from REF to GUEST"
// for each. A guest whose packages cannot be read is a failure in outcome, and chosen no more. Throws Failed{usage} for
// a name that no package of REF has, and Failed{refused} where REF's cannot be read or no guest is left. As
// learn_conffiles(): before any thread is begun.
void ask_packages(const Options& options, Choice& choice, Outcome& outcome);

}  // namespace vunify
