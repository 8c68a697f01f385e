// SPDX-License-Identifier: Apache-2.0
// What AddressSanitizer is told in the programs, which tests start thousands of times: part of each, for who starts one
// by way of another gives it no environment. Leaks are looked for in the rooms' tests: that is a quarter of a start,
// and LeakSanitizer traces its process when that ends, and waits for ever where a sandbox forbids it, as vcow's. Six
// frames of who allocated something tell as much as thirty.
extern "C" const char* __asan_default_options();
extern "C" const char* __asan_default_options() { return "detect_leaks=0:malloc_context_size=6"; }
