// SPDX-License-Identifier: Apache-2.0
// A range of addresses (mmap(2)) that has memory only where it is used.
#pragma once

#include <cstddef>

namespace vunify {

// Throws std::bad_alloc where there are not so many addresses.
void* reserve_range(std::size_t bytes);
void give_range_back(void* range, std::size_t bytes);

// A piece of it, whole pages: may be written from here on; its memory goes back to the kernel, and it reads as zeros.
void use_range(void* piece, std::size_t bytes);
void give_memory_back(void* piece, std::size_t bytes);

}  // namespace vunify
