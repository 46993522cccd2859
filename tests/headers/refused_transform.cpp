// SPDX-License-Identifier: MIT
// Transforms that must not compile, one for each CASE; refused.sh looks for the sentence behind "refused:" in the errors.
#include <espalier/data/loader.hpp>

using namespace espalier;

const auto refused =
#if CASE == 0
    [](data::Batch<>&, Random&) {};  // this one must, so that the others fail for their reason
#elif CASE == 1  // refused: expected a transform callable as `void
    [](data::Batch<>&) {};
#elif CASE == 2  // refused: what it does would be lost
    [](data::Batch<>, Random&) {};
#elif CASE == 3  // refused: this transform is `mutable`
    [n = 0](data::Batch<>&, Random&) mutable { ++n; };
#elif CASE == 4  // refused: what it does would be lost
    data::compose([](data::Batch<>&, Random&) {}, [](const data::Batch<>&, Random&) {});
#endif

int main() { data::DataLoader loader{data::Dataset{Tensor<float>::arange(6), "t", Tensor<Index>::arange(6)}, {.transform = refused}}; }
