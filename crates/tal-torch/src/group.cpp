// Process groups of LibTorch's c10d: a key-value store over TCP, Gloo for the host, NCCL for CUDA.

#include <ATen/ATen.h>
#include <torch/csrc/distributed/c10d/Backend.hpp>
#include <torch/csrc/distributed/c10d/PrefixStore.hpp>
#include <torch/csrc/distributed/c10d/ProcessGroupGloo.hpp>
#include <torch/csrc/distributed/c10d/TCPStore.hpp>

#include <c10/util/Logging.h>
#include <cstdlib>
#include <cstring>
#ifndef _WIN32
#include <dlfcn.h>
#endif

namespace tal_group {

using c10d::Backend;
using c10d::ProcessGroupGloo;
using Millis = std::chrono::milliseconds;
template <class T>
using Ptr = c10::intrusive_ptr<T>;

struct Group {
  Ptr<c10d::Store> store;
  Ptr<Backend> gloo, nccl;

  Backend& of(const at::Tensor& tensor) {
    return tensor.is_cuda() && nccl ? *nccl : *gloo;
  }
};

// Null, or the message of the exception, which Rust gives back to `tal_group_free`.
template <class F>
char* guarded(F f) {
  try {
    at::NoGradGuard off;
    f();
    return nullptr;
  } catch (const c10::Error& e) {
    return strdup(e.what_without_backtrace());
  } catch (const std::exception& e) {
    return strdup(e.what());
  } catch (...) {
    return strdup("unknown exception");
  }
}

void finish(const Ptr<c10d::Work>& work) {
  TORCH_CHECK(work->wait(), "the collective was aborted");
}

// NCCL's group, out of libtorch_cuda.so, which is opened at run time: this program is not linked to it.
Ptr<Backend> open_nccl(Ptr<c10d::Store> store, int rank, int size, Millis timeout) {
#ifdef _WIN32
  TORCH_CHECK(false, "NCCL needs Linux");
#else
  auto options_at = reinterpret_cast<void (*)(void*, bool)>(
      dlsym(RTLD_DEFAULT, "_ZN4c10d16ProcessGroupNCCL7OptionsC1Eb"));
  auto group_at =
      reinterpret_cast<void (*)(void*, Ptr<c10d::Store>*, int, int, Ptr<Backend::Options>*)>(dlsym(
          RTLD_DEFAULT,
          "_ZN4c10d16ProcessGroupNCCLC1EN3c1013intrusive_ptrINS_5StoreENS1_6detail34intrusive_target_default_null_"
          "typeIS3_EEEEiiNS2_INS0_7OptionsENS5_IS8_EEEE"));
  TORCH_CHECK(options_at && group_at, "libtorch_cuda.so holds no ProcessGroupNCCL of LibTorch 2.11");
  // The objects have 248 and 1112 bytes; they hold a structure of NCCL that grows with its versions.
  void* options_room = ::operator new(4096);
  options_at(options_room, false);
  auto options = Ptr<Backend::Options>::unsafe_steal_from_new(static_cast<Backend::Options*>(options_room));
  options->timeout = timeout;
  void* room = ::operator new(16384);
  try {
    // A class that is passed by value travels as a pointer to a copy.
    group_at(room, &store, rank, size, &options);
  } catch (...) {
    ::operator delete(room);
    throw;
  }
  return Ptr<Backend>::unsafe_steal_from_new(static_cast<Backend*>(room));
#endif
}

}  // namespace tal_group

using namespace tal_group;

extern "C" {

void tal_group_free(char* text) { free(text); }

// Opens the store alone and waits for nobody; `port` 0 lets the system choose, and `port` then tells.
char* tal_group_open(const char* host, uint16_t* port, int serves, int64_t timeout_ms, Group** out) {
  return guarded([&] {
#ifndef _WIN32
    // Errors come back as values; c10d would also print them, with stack traces.
    setenv("TORCH_CPP_LOG_LEVEL", "FATAL", 0);
#endif
    c10::initLogging();
    c10d::TCPStoreOptions options;
    options.port = *port;
    options.isServer = serves != 0;
    options.waitWorkers = false;
    // The connection takes whole seconds.
    options.timeout = std::chrono::ceil<std::chrono::seconds>(Millis(timeout_ms));
    auto store = c10::make_intrusive<c10d::TCPStore>(host, options);
    *port = store->getPort();
    *out = new Group{store, {}, {}};
  });
}

// Puts all further keys below `prefix`.
char* tal_group_narrow(Group* group, const char* prefix) {
  return guarded([&] { group->store = c10::make_intrusive<c10d::PrefixStore>(prefix, group->store); });
}

char* tal_group_connect(Group* group, int rank, int size, int64_t timeout_ms, int on_cuda) {
  return guarded([&] {
    auto timeout = Millis(timeout_ms);
    group->gloo = c10::make_intrusive<ProcessGroupGloo>(
        c10::make_intrusive<c10d::PrefixStore>("gloo", group->store), rank, size,
        ProcessGroupGloo::Options::create_default(timeout));
    if (on_cuda)
      group->nccl = open_nccl(c10::make_intrusive<c10d::PrefixStore>("nccl", group->store), rank, size, timeout);
  });
}

char* tal_group_set(Group* group, const char* key, const uint8_t* bytes, size_t count) {
  return guarded([&] { group->store->set(key, std::vector<uint8_t>(bytes, bytes + count)); });
}

char* tal_group_check(Group* group, const char* key, int* found) {
  return guarded([&] { *found = group->store->check({key}); });
}

char* tal_group_get(Group* group, const char* key, uint8_t** bytes, size_t* count) {
  return guarded([&] {
    auto value = group->store->get(key);
    *bytes = static_cast<uint8_t*>(malloc(value.size() + 1));
    TORCH_CHECK(*bytes, "out of memory");
    memcpy(*bytes, value.data(), value.size());
    *count = value.size();
  });
}

// Waits until all keys are set; `found` is 0 if the time was over first.
char* tal_group_wait(Group* group, const char* const* keys, size_t count, int64_t timeout_ms, int* found) {
  return guarded([&] {
    const auto end = std::chrono::steady_clock::now() + Millis(timeout_ms);
    try {
      group->store->wait(std::vector<std::string>(keys, keys + count), Millis(timeout_ms));
      *found = 1;
    } catch (const c10::Error&) {
      if (std::chrono::steady_clock::now() < end) throw;
      *found = 0;
    }
  });
}

char* tal_group_add(Group* group, const char* key, int64_t amount, int64_t* sum) {
  return guarded([&] { *sum = group->store->add(key, amount); });
}

// Sums in place, in buckets of about `bucket_bytes`. All tensors have one kind and one device.
char* tal_group_all_reduce(Group* group, at::Tensor* const* tensors, size_t count, int64_t bucket_bytes) {
  return guarded([&] {
    struct Bucket {
      std::vector<at::Tensor> parts, flat;
      Ptr<c10d::Work> work;
    };
    std::vector<Bucket> buckets;
    for (size_t i = 0; i < count;) {
      Bucket bucket;
      std::vector<at::Tensor> rows;
      for (int64_t n = 0;
           i < count && (rows.empty() || n + static_cast<int64_t>(tensors[i]->nbytes()) <= bucket_bytes); ++i) {
        n += tensors[i]->nbytes();
        bucket.parts.push_back(*tensors[i]);
        rows.push_back(tensors[i]->reshape(-1));
      }
      bucket.flat = {at::cat(rows)};
      bucket.work = group->of(bucket.flat[0]).allreduce(bucket.flat);
      buckets.push_back(std::move(bucket));
    }
    for (auto& bucket : buckets) {
      finish(bucket.work);
      int64_t from = 0;
      for (auto& part : bucket.parts) {
        part.copy_(bucket.flat[0].narrow(0, from, part.numel()).view(part.sizes()));
        from += part.numel();
      }
    }
  });
}

char* tal_group_broadcast(Group* group, at::Tensor* tensor, int root) {
  return guarded([&] {
    std::vector<at::Tensor> tensors{tensor->contiguous()};
    c10d::BroadcastOptions options;
    options.rootRank = root;
    finish(group->of(tensors[0]).broadcast(tensors, options));
    if (!tensors[0].is_same(*tensor)) tensor->copy_(tensors[0]);
  });
}

char* tal_group_all_gather(Group* group, at::Tensor* input, at::Tensor* const* outputs, size_t count) {
  return guarded([&] {
    std::vector<at::Tensor> inputs{*input};
    std::vector<std::vector<at::Tensor>> lists(1);
    for (size_t i = 0; i < count; ++i) lists[0].push_back(*outputs[i]);
    finish(group->of(*input).allgather(lists, inputs));
  });
}

// Gives a variable without gradient one of zeros.
char* tal_group_zero_gradient(at::Tensor* variable) {
  return guarded([&] {
    if (!variable->grad().defined()) variable->mutable_grad() = at::zeros_like(*variable);
  });
}

// Closes connections; the store lives on until it is deleted.
char* tal_group_disconnect(Group* group) {
  return guarded([&] {
    if (group->nccl) group->nccl->shutdown();
    if (group->gloo) group->gloo->shutdown();
    group->nccl.reset();
    group->gloo.reset();
  });
}

void tal_group_close(Group* group) {
  free(guarded([&] { delete group; }));
}
}
