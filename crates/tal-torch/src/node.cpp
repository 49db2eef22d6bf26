// A node of LibTorch's graph whose backward pass is a function of Rust.

#include <torch/csrc/autograd/function.h>
#include <torch/csrc/autograd/functions/utils.h>
#include <torch/csrc/autograd/grad_mode.h>

#include <cstddef>
#include <cstdint>
#include <memory>
#include <mutex>
#include <stdexcept>
#include <string>
#include <utility>
#include <vector>

namespace {

using at::Tensor;
using torch::autograd::variable_list;

// Fills `inputs` with new handles (or null) and takes the handle `output`. Returns a number other than zero if it failed.
using Backward = int (*)(const void* state, Tensor* output, const uint8_t* needed, Tensor** inputs, size_t num_inputs);
using Release = void (*)(void* state);

struct RustNode final : public torch::autograd::Node {
  void* state = nullptr;
  Backward backward = nullptr;
  Release release = nullptr;
  size_t num_inputs = 0;
  // Detached inputs, which share the version counters of the originals, and the versions at the time of recording.
  std::vector<Tensor> kept;
  std::vector<int64_t> versions;

  ~RustNode() override { release_variables(); }

  std::string name() const override { return "RustBackward"; }

  // LibTorch calls this after a backward pass that need not be repeated.
  void release_variables() override {
    std::lock_guard<std::mutex> lock(mutex_);
    if (state != nullptr) {
      release(std::exchange(state, nullptr));
    }
    kept.clear();
  }

  // Two threads may run backward passes through one graph: the lock gives the closure to one of them at a time, as in
  // PyTorch's own CppNode.
  variable_list apply(variable_list&& gradients) override {
    std::lock_guard<std::mutex> lock(mutex_);
    if (state == nullptr) {
      throw std::runtime_error("backward a second time through an operation whose values were released");
    }
    if (at::GradMode::is_enabled()) {
      throw std::runtime_error("an operation computed in Rust has no second derivative");
    }
    for (size_t i = 0; i < num_inputs; ++i) {
      if (kept[i]._version() != versions[i]) {
        throw std::runtime_error("an input of an operation computed in Rust was changed between its forward and its backward pass");
      }
    }
    variable_list result(num_inputs);
    if (!gradients.at(0).defined()) {
      return result;
    }
    std::vector<uint8_t> needed(num_inputs);
    for (size_t i = 0; i < num_inputs; ++i) {
      needed[i] = task_should_compute_output(i) ? 1 : 0;
    }
    std::vector<Tensor*> inputs(num_inputs, nullptr);
    const int failed = backward(state, new Tensor(gradients[0]), needed.data(), inputs.data(), num_inputs);
    for (size_t i = 0; i < num_inputs; ++i) {
      if (inputs[i] != nullptr) {
        result[i] = *inputs[i];
        delete inputs[i];
      }
    }
    if (failed != 0) {
      throw std::runtime_error("the backward pass of an operation computed in Rust panicked");
    }
    return result;
  }
};

}  // namespace

// Makes `output` the result of an operation on `inputs`. Takes `state` in any case. Returns a number other than zero if it
// failed.
extern "C" int tal_torch_record(Tensor* output, Tensor* const* inputs, size_t num_inputs, void* state, Backward backward,
                                Release release) {
  try {
    std::shared_ptr<RustNode> node(new RustNode(), torch::autograd::deleteNode);
    node->state = state;
    node->backward = backward;
    node->release = release;
    node->num_inputs = num_inputs;
    variable_list edges;
    edges.reserve(num_inputs);
    for (size_t i = 0; i < num_inputs; ++i) {
      edges.push_back(*inputs[i]);
      node->kept.push_back(inputs[i]->detach());
      node->versions.push_back(inputs[i]->_version());
    }
    node->set_next_edges(torch::autograd::collect_next_edges(edges));
    torch::autograd::set_history(*output, node);
    return 0;
  } catch (...) {
    return 1;
  }
}
