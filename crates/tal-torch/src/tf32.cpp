// TensorFloat-32 in cuBLAS and cuDNN.

#include <ATen/Context.h>

extern "C" int tal_torch_tf32() {
  const auto& context = at::globalContext();
  return context.allowTF32CuBLAS() || context.allowTF32CuDNN() ? 1 : 0;
}

extern "C" void tal_torch_set_tf32(int allow) {
  auto& context = at::globalContext();
  context.setAllowTF32CuBLAS(allow != 0);
  context.setAllowTF32CuDNN(allow != 0);
}
