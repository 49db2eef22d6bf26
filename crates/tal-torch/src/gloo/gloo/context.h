#pragma once
// What c10d's declarations name of Gloo, whose headers LibTorch's package lacks. Only pointers to it may be used: the real layout
// is another one.
#include <chrono>
#include <memory>

namespace gloo {
class Context {
 public:
  void setTimeout(std::chrono::milliseconds timeout);
};
}  // namespace gloo
