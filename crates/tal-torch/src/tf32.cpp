// TensorFloat-32 in cuBLAS and cuDNN.

#include <ATen/Context.h>

extern "C" int tal_torch_tf32() {
  try {
    const auto& context = at::globalContext();
    return (context.allowTF32CuBLAS() ? 1 : 0) | (context.allowTF32CuDNN() ? 2 : 0);
  } catch (...) {
    return -1;
  }
}

extern "C" int tal_torch_set_tf32(int matmul, int convolution) {
  try {
    auto& context = at::globalContext();
    context.setAllowTF32CuBLAS(matmul != 0);
    context.setAllowTF32CuDNN(convolution != 0);
    return 0;
  } catch (...) {
    return 1;
  }
}
