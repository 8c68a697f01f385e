// SPDX-License-Identifier: Apache-2.0
// Tells ThreadSanitizer what oneTBB orders. The distribution's libtbb.so is not instrumented, so that TSan sees neither
// that a task begins after it was spawned nor that a wait ends after its tasks, and would report every task as a race.
// Suppressing tbb::detail would hide our own races with them, for every task has that in its stack. Instead the few
// functions of libtbb that our code calls are defined here once more, in front of the library's (linked into the
// programs of the tsan build only): each tells TSan of the order, then calls the real one.
#include <dlfcn.h>
#include <tbb/cache_aligned_allocator.h>
#include <tbb/task_arena.h>
#include <tbb/task_group.h>

#include <cstdlib>

extern "C" void __tsan_acquire(void* address);
extern "C" void __tsan_release(void* address);

namespace tbb::detail::r1 {
namespace {

template <typename Function>
Function* real(const char* mangled) {
  return reinterpret_cast<Function*>(::dlsym(RTLD_NEXT, mangled));
}

// Stands in for a spawned task: whichever thread runs it has first seen all that the spawning thread did before.
class Ordered final : public d1::task {
 public:
  static d1::task& wrap(d1::task& inner) {
    auto* ordered = new Ordered(inner);
    __tsan_release(ordered);
    return *ordered;
  }
  // A task that throws is cancelled by the library, and only then done with.
  d1::task* execute(d1::execution_data& data) override {
    __tsan_acquire(this);
    d1::task* next = inner_.execute(data);
    delete this;
    return next;
  }
  d1::task* cancel(d1::execution_data& data) override {
    __tsan_acquire(this);
    d1::task* next = inner_.cancel(data);
    delete this;
    return next;
  }

 private:
  explicit Ordered(d1::task& inner) : inner_(inner) {}

  d1::task& inner_;
};

// The same for what an arena runs on a thread of its own when all its places are taken.
class OrderedCall final : public d1::delegate_base {
 public:
  explicit OrderedCall(d1::delegate_base& inner) : inner_(inner) { __tsan_release(this); }
  bool operator()() const override {
    auto* self = const_cast<OrderedCall*>(this);
    __tsan_acquire(self);
    const bool answer = inner_();
    __tsan_release(self);
    return answer;
  }

 private:
  d1::delegate_base& inner_;
};

// Tasks count the context down in our instrumented code (its second word): only the waiter's look at it goes unseen.
// A destructor, for a wait passes on what a task has thrown.
struct AfterWait {
  d1::wait_context& wait;
  ~AfterWait() { __tsan_acquire(reinterpret_cast<char*>(&wait) + sizeof(std::uint64_t)); }
};

}  // namespace

void spawn(d1::task& task, d1::task_group_context& group) {
  static auto* next = real<void(d1::task&, d1::task_group_context&)>(
      "_ZN3tbb6detail2r15spawnERNS0_2d14taskERNS2_18task_group_contextE");
  next(Ordered::wrap(task), group);
}

void spawn(d1::task& task, d1::task_group_context& group, d1::slot_id slot) {
  static auto* next = real<void(d1::task&, d1::task_group_context&, d1::slot_id)>(
      "_ZN3tbb6detail2r15spawnERNS0_2d14taskERNS2_18task_group_contextEt");
  next(Ordered::wrap(task), group, slot);
}

void enqueue(d1::task& task, d1::task_group_context& group, d1::task_arena_base* arena) {
  static auto* next = real<void(d1::task&, d1::task_group_context&, d1::task_arena_base*)>(
      "_ZN3tbb6detail2r17enqueueERNS0_2d14taskERNS2_18task_group_contextEPNS2_15task_arena_baseE");
  next(Ordered::wrap(task), group, arena);
}

void wait(d1::wait_context& wait, d1::task_group_context& group) {
  static auto* next = real<void(d1::wait_context&, d1::task_group_context&)>(
      "_ZN3tbb6detail2r14waitERNS0_2d112wait_contextERNS2_18task_group_contextE");
  const AfterWait after{wait};
  next(wait, group);
}

void execute_and_wait(d1::task& task, d1::task_group_context& group, d1::wait_context& wait,
                      d1::task_group_context& wait_group) {
  static auto* next = real<void(d1::task&, d1::task_group_context&, d1::wait_context&, d1::task_group_context&)>(
      "_ZN3tbb6detail2r116execute_and_waitERNS0_2d14taskERNS2_18task_group_contextERNS2_12wait_contextES6_");
  const AfterWait after{wait};
  next(task, group, wait, wait_group);
}

void execute(d1::task_arena_base& arena, d1::delegate_base& call) {
  static auto* next = real<void(d1::task_arena_base&, d1::delegate_base&)>(
      "_ZN3tbb6detail2r17executeERNS0_2d115task_arena_baseERNS2_13delegate_baseE");
  OrderedCall ordered(call);
  next(arena, ordered);
  __tsan_acquire(&ordered);
}

// The library's own pools hand memory from thread to thread unseen; malloc's way is known to TSan.
void* allocate(d1::small_object_pool*& pool, std::size_t bytes) {
  static char no_pool;  // only asserted to be there
  pool = reinterpret_cast<d1::small_object_pool*>(&no_pool);
  return std::aligned_alloc(64, (bytes + 63) / 64 * 64);
}
void* allocate(d1::small_object_pool*& pool, std::size_t bytes, const d1::execution_data&) {
  return allocate(pool, bytes);
}
void deallocate(d1::small_object_pool&, void* memory, std::size_t) { std::free(memory); }
void deallocate(d1::small_object_pool&, void* memory, std::size_t, const d1::execution_data&) { std::free(memory); }
void* cache_aligned_allocate(std::size_t bytes) { return std::aligned_alloc(128, (bytes + 127) / 128 * 128); }
void cache_aligned_deallocate(void* memory) { std::free(memory); }

}  // namespace tbb::detail::r1
