// SPDX-License-Identifier: MIT
// Metrics that must not compile, one for each CASE, and the sentence behind "refused:" that the compiler must say.
#include <espalier/metrics.hpp>

#include <memory>

using namespace espalier;

struct Right {
    void update(const Tensor<float>&, const losses::Target<float>&) {}
    double value() const { return 0; }
    Index count() const { return 0; }
    void reset() {}
};

#if CASE == 0  // this one must, so that the others fail for their reason
struct Mine : Right {};
#elif CASE == 1  // refused: a metric needs a function count() const that says how many elements were counted
struct Mine {
    void update(const Tensor<float>&, const losses::Target<float>&) {}
    double value() const { return 0; }
    void reset() {}
};
#elif CASE == 2  // refused: a metric needs a function value() const that gives a number
struct Mine : Right {
    double value() { return 0; }
};
#elif CASE == 3  // refused: a metric needs a function update(const Tensor<Scalar>& prediction, const losses::Target<Scalar>& target)
using Mine = metrics::RMSE<double>;
#elif CASE == 4  // refused: a metric must be a value that can be copied and assigned
struct Mine : Right {
    std::unique_ptr<int> own;
};
#endif

int main() {
    const metrics::PerTask metrics{{"a", metrics::Accuracy{}}, {"b", Mine{}}};
    (void)metrics;
}
