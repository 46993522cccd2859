// SPDX-License-Identifier: MIT
/// @file Gradients against central differences, for the library's operations and for those of its users.
#pragma once

#include <espalier/autograd/backward.hpp>
#include <espalier/core/finite.hpp>

#include <cmath>
#include <ostream>
#include <span>
#include <string>
#include <utility>
#include <vector>

namespace espalier::inline ESPALIER_ABI::autograd {

/// Step of the differences, and the tolerance.
struct GradcheckOptions {
    double step = 1e-6;
    double absolute = 1e-7;  ///< accepted: |analytic - numeric| <= absolute + relative * |numeric|
    double relative = 1e-5;
};

/// What `gradcheck` found; true if it passed, and it prints itself.
struct GradcheckReport {
    bool passed = true;
    double worst = 0;  ///< largest error as a multiple of the tolerance
    std::string where; ///< the worst entry: `input 1 element 7, output element 3: analytic 2, numeric 4`

    explicit operator bool() const noexcept { return passed; }
    friend std::ostream& operator<<(std::ostream& out, const GradcheckReport& report) {
        return out << concat(report.passed ? "passed" : "failed", ", worst error ", report.worst, " of the tolerance at ", report.where);
    }
};

/// Compares the full Jacobian of `f(std::vector<Variable<double>>)` at `inputs` with central differences, entry by
/// entry. All rows come from one traversal, one cotangent an output element; it is run twice and must give the same bits.
/// Inputs should lie away from kinks such as ReLU's 0. @throws StateError if no input reaches the output.
template <class F>
[[nodiscard]] GradcheckReport gradcheck(const F& f, const std::vector<Tensor<double>>& inputs, const GradcheckOptions& options = {}) {
    std::vector<Variable<double>> leaves;
    leaves.reserve(inputs.size());
    for (const auto& input : inputs)
        leaves.emplace_back(input, true);
    const Variable<double> output = f(std::as_const(leaves));
    require<StateError>(output.requires_grad(), "gradcheck", "expected an output that depends on an input, got a constant ",
                        output.shape());
    const Index n = output.numel();
    Tensor<double> identity{output.shape().prepended(n)};
    for (Index i = 0; i < n; ++i)
        identity[i * n + i] = 1;
    const std::span<const Variable<double>> wrt{leaves};
    const auto rows = vjp(output, identity, wrt, true);
    GradcheckReport report;
    if (vjp(output, identity, wrt) != rows) {
        report.passed = false;
        report.where = "two backward passes that differ";
    }
    const NoGrad guard;
    for (std::size_t k = 0; k < leaves.size(); ++k)
        for (Index j = 0; j < inputs[k].numel(); ++j) {
            const auto at = [&](double x) {
                std::vector<Variable<double>> moved{inputs.begin(), inputs.end()};
                moved[k].mutable_value()[j] = x;
                return f(std::as_const(moved)).value();
            };
            const double x = inputs[k][j];
            const Tensor<double> above = at(x + options.step);
            const Tensor<double> below = at(x - options.step);
            for (Index i = 0; i < n; ++i) {
                const double numeric = (above[i] - below[i]) / (2 * options.step);
                const double analytic = rows[k][i * inputs[k].numel() + j];
                const double error = std::abs(analytic - numeric) / (options.absolute + options.relative * std::abs(numeric));
                if (!is_nan(error) && error <= report.worst)
                    continue;
                report.worst = is_nan(error) ? INFINITY : error;
                report.where = concat("input ", k, " element ", j, ", output element ", i, ": analytic ", analytic, ", numeric ", numeric);
            }
        }
    report.passed = report.passed && report.worst <= 1;
    return report;
}

}  // namespace espalier::inline ESPALIER_ABI::autograd

namespace espalier::inline ESPALIER_ABI {
using autograd::gradcheck;
}  // namespace espalier::inline ESPALIER_ABI
