// SPDX-License-Identifier: Apache-2.0
// LeakSanitizer traces its process when that ends, and waits for ever where a sandbox forbids it, as vcow's once it
// serves. Who starts vcow by way of vapt gives it no environment to say so in: part of vcow itself under the sanitizer.
extern "C" const char* __lsan_default_options();
extern "C" const char* __lsan_default_options() { return "detect_leaks=0"; }
