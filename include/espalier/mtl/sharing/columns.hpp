// SPDX-License-Identifier: MIT
/// @file Networks side by side, one for each task, that are run stage by stage so that they can exchange what they found.
#pragma once

#include <espalier/mtl/sharing.hpp>
#include <espalier/nn/sequential.hpp>

#include <algorithm>
#include <cstddef>
#include <utility>
#include <vector>

namespace espalier::inline ESPALIER_ABI::mtl {

namespace detail {

/// Columns of as many layers each, cut at the same places: the layers of an `nn::Sequential`, or any other layer as a list of one.
/// `after` are counts of layers, ascending: 3 is after the third one; none stands for after each layer.
template <class Scalar>
class LayerColumns {
public:
    LayerColumns(const char* operation, std::vector<nn::Layer<Scalar>> columns, std::vector<std::size_t> after)
        : columns_{std::move(columns)} {
        require<ValueError>(!columns_.empty(), operation, "expected a column for each task, got none");
        const std::size_t layers = size_of(columns_[0]);
        require<ValueError>(layers > 0, operation, "expected columns of at least one layer, got none in column 0");
        for (std::size_t i = 1; i < columns_.size(); ++i)
            require<ValueError>(size_of(columns_[i]) == layers, operation, "expected columns of as many layers, got ", layers, " and ",
                                size_of(columns_[i]), " in column ", i);
        for (std::size_t i = 1; after.empty() && i < layers; ++i)
            ends_.push_back(i);
        for (const std::size_t end : after) {
            require<ValueError>(end > (ends_.empty() ? 0 : ends_.back()) && end <= layers, operation,
                                "expected ascending places after layers 1 to ", layers, ", got ", end);
            ends_.push_back(end);
        }
        exchanges_ = after.empty() ? layers : ends_.size();
        if (ends_.empty() || ends_.back() < layers)
            ends_.push_back(layers);
    }

    [[nodiscard]] std::size_t size() const noexcept { return columns_.size(); }
    /// Into how many parts each is cut; they exchange after each, perhaps but the last.
    [[nodiscard]] std::size_t stages() const noexcept { return ends_.size(); }
    /// How often they exchange.
    [[nodiscard]] std::size_t exchanges() const noexcept { return exchanges_; }

    /// All columns from the input to their ends; `exchange(k, outputs)` makes of the outputs at the k-th place what goes on.
    template <class Exchange>
    [[nodiscard]] Features<Scalar> run(const Variable<Scalar>& input, const Exchange& exchange) {
        Features<Scalar> values(columns_.size(), input);
        for (std::size_t k = 0; k < ends_.size(); ++k) {
            for (std::size_t i = 0; i < columns_.size(); ++i)
                values[i] = nn::detail::naming_place([&] { return run(columns_[i], values[i], k ? ends_[k - 1] : 0, ends_[k]); },
                                                     [&](const ShapeError&) { return concat("column ", i); });
            if (k < exchanges_)
                values = nn::detail::naming_place([&] { return exchange(k, values); },
                                                  [&](const ShapeError&) { return concat("the exchange after layer ", ends_[k]); });
        }
        return values;
    }

    void visit(nn::Visitor<Scalar>& visitor) { columns_.visit(visitor); }
    /// The layers of a column before its k-th place and after the one before.
    void visit_stage(std::size_t column, std::size_t k, nn::Visitor<Scalar>& visitor) {
        auto* const layers = columns_[column].template get_if<nn::Sequential<Scalar>>();
        if (!layers)
            return columns_[column].visit(visitor);
        for (std::size_t i = k ? ends_[k - 1] : 0; i < ends_[k]; ++i)
            layers->begin()[static_cast<std::ptrdiff_t>(i)].visit(visitor);
    }
    /// A copy of these.
    [[nodiscard]] nn::Layer<Scalar> stage(std::size_t column, std::size_t k) const {
        nn::Layer<Scalar> copy = columns_[column];
        auto* const layers = copy.template get_if<nn::Sequential<Scalar>>();
        if (!layers)
            return copy;
        nn::Sequential<Scalar> result;
        for (std::size_t i = k ? ends_[k - 1] : 0; i < ends_[k]; ++i)
            result.add(std::move(layers->begin()[static_cast<std::ptrdiff_t>(i)]));
        return result;
    }

private:
    [[nodiscard]] static std::size_t size_of(nn::Layer<Scalar>& column) {
        const auto* const layers = column.template get_if<nn::Sequential<Scalar>>();
        return layers ? layers->size() : 1;
    }
    [[nodiscard]] static Variable<Scalar> run(nn::Layer<Scalar>& column, const Variable<Scalar>& x, std::size_t first, std::size_t last) {
        auto* const layers = column.template get_if<nn::Sequential<Scalar>>();
        return layers ? layers->run(x, first, last) : column(x);
    }

    nn::Children<nn::Layer<Scalar>> columns_;
    std::vector<std::size_t> ends_;
    std::size_t exchanges_;
};

}  // namespace detail
}  // namespace espalier::inline ESPALIER_ABI::mtl
