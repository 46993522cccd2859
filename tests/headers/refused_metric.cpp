// SPDX-License-Identifier: MIT
// Must not compile, and the compiler must say in one sentence what the metric lacks: it has no count().
#include <espalier/metrics.hpp>

struct Careless {
    void update(const espalier::Tensor<float>&, const espalier::losses::Target<float>&) {}
    double value() const { return 0; }
    void reset() {}
};

int main() {
    const espalier::metrics::PerTask metrics{{"a", espalier::metrics::Accuracy{}}, {"b", Careless{}}};
    (void)metrics;
}
