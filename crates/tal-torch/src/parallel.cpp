// Work on LibTorch's own threads.

#include <ATen/Parallel.h>

#include <cstdint>
extern "C" int tal_torch_num_threads() {
  return at::in_parallel_region() ? 1 : at::get_num_threads();
}

// Calls `work(data)` `times` times, each on a thread of its own if LibTorch has that many. Returns a number other than zero if it
// failed; `work` throws nothing.
extern "C" int tal_torch_on_threads(int64_t times, void (*work)(const void*), const void* data) {
  try {
    at::parallel_for(0, times, 1, [&](int64_t begin, int64_t end) {
      for (int64_t i = begin; i < end; ++i) {
        work(data);
      }
    });
    return 0;
  } catch (...) {
    return 1;
  }
}
