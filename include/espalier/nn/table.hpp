// SPDX-License-Identifier: MIT
/// @file The encoder of a table: numbers standardised, an embedding for each column of categories, all side by side.
#pragma once

#include <espalier/autograd/reshape.hpp>
#include <espalier/core/finite.hpp>
#include <espalier/data/inputs.hpp>
#include <espalier/nn/embedding.hpp>
#include <espalier/nn/standardize.hpp>
#include <espalier/nn/table_inputs.hpp>

#include <algorithm>
#include <span>
#include <string>
#include <utility>

namespace espalier::inline ESPALIER_ABI::nn {

namespace detail {

/// One input of numbers; NaN is a missing one and becomes the mean, which is 0 when standardised.
template <class Scalar>
class TableNumbers {
public:
    explicit TableNumbers(const NumberColumn& column) : standardize_{column.width} {}
    /// By the statistics of a training set.
    TableNumbers(const NumberColumn& column, const data::Inputs<Scalar>& training) : TableNumbers{column} {
        const Tensor<Scalar> values = read(column.name, training);
        auto present = Tensor<bool>::empty(values.shape());
        std::transform(values.begin(), values.end(), present.begin(), [](Scalar value) { return !is_nan(value); });
        try {
            standardize_ = Standardize<Scalar>{values, present};
        } catch (ValueError& error) {
            error.append(concat(", in column '", column.name, "'"));
            throw;
        }
    }

    [[nodiscard]] Variable<Scalar> operator()(const std::string& name, const data::Inputs<Scalar>& inputs) const {
        Tensor<Scalar> values = read(name, inputs);
        for (Index i = 0; i < values.numel(); ++i)
            if (is_nan(values[i]))
                values[i] = standardize_.mean()[i % width()];
        return standardize_(Variable<Scalar>{std::move(values)});
    }

    [[nodiscard]] Index width() const noexcept { return standardize_.mean().numel(); }
    void visit(Visitor<Scalar>& visitor) { standardize_.visit(visitor); }

private:
    [[nodiscard]] Tensor<Scalar> read(const std::string& name, const data::Inputs<Scalar>& inputs) const {
        const Tensor<Scalar>& values = data::values_of(inputs, name);
        const Shape wanted{values.size(0), width()};
        require<ShapeError>(values.shape() == wanted || (width() == 1 && values.rank() == 1), "Table", "expected numbers (N, ", width(),
                            ") in column '", name, "', got shape ", values.shape());
        return values.reshape(wanted);
    }

    Standardize<Scalar> standardize_;
};

/// One input of indices: -1 is row 0 of the embedding, category i is row i + 1.
template <class Scalar>
class TableCategories {
public:
    explicit TableCategories(const CategoryColumn& column) : embedding_{first_vectors(column)} {}

    [[nodiscard]] Variable<Scalar> operator()(const std::string& name, const data::Inputs<Scalar>& inputs) const {
        const Tensor<Index>& indices = data::indices_of(inputs, name);
        require<ShapeError>(indices.rank() == 1, "Table", "expected indices (N,) in column '", name, "', got shape ", indices.shape());
        const Index categories = embedding_.entries() - 1;
        auto rows = Tensor<Index>::empty(indices.shape());
        for (Index i = 0; i < indices.numel(); ++i) {
            require<ValueError>(indices[i] >= -1 && indices[i] < categories, "Table", "expected indices in [-1, ", categories,
                                ") in column '", name, "', got ", indices[i], " at sample ", i);
            rows[i] = indices[i] + 1;
        }
        return embedding_(rows);
    }

    [[nodiscard]] Index width() const noexcept { return embedding_.width(); }
    void visit(Visitor<Scalar>& visitor) { embedding_.visit(visitor); }

private:
    /// Of one that the training never had nothing is known: 0, the mean of all others.
    [[nodiscard]] static Embedding<Scalar> first_vectors(const CategoryColumn& column) {
        require<ValueError>(column.categories > 0 && column.width >= 0, "Table", "expected at least one category and a width in column '",
                            column.name, "', got ", column.categories, " and ", column.width);
        const Index entries = column.categories + 1;
        const Index width = column.width > 0 ? column.width : embedding_width(entries);
        Tensor<Scalar> vectors{Shape{entries, width}};
        Random random = new_random();
        init::normal(vectors, random);
        std::fill_n(vectors.begin(), width, Scalar(0));
        return Embedding<Scalar>{std::move(vectors), {column.sparse}};
    }

    Embedding<Scalar> embedding_;
};

}  // namespace detail

/// An encoder (nn/encoder.hpp) of the columns of a table: (N, width()), numbers and then categories, as they are listed.
/// @code
/// nn::Table table{{.numbers = {{"age"}, {"pixels", 64}}, .categories = {{"job", 4}, {"city", 300, 16}}}, train.named_inputs()};
/// mtl::MultiTaskNet net{table, nn::Sequential{nn::Linear{table.width(), 32}, nn::ReLU{}}, heads};
/// @endcode
/// Numbers are standardised, with NaN for a missing one, which becomes 0, the mean; mean and deviation are buffers, `age.mean` and
/// `age.std`. Categories have vectors that are trained, `job.weight` (categories + 1, width), standard normal at first; the first of
/// them stands for index -1, missing or unseen. It begins as 0 and is trained where the training has such samples.
template <class Scalar = float>
class Table : public Module<Table<Scalar>, Scalar> {
public:
    /// For numbers that are standardised already, as those of `io::TableEncoder`, or for a state that is loaded.
    /// @throws ValueError for no columns, or one without numbers or categories; StateError for a name that comes twice
    explicit Table(const TableInputs& columns) { add(columns, nullptr); }
    /// By the mean and deviation that the numbers have in a training set. @throws as above, and StateError, ShapeError or ValueError
    /// naming an input that is not there, does not fit, or has no values
    Table(const TableInputs& columns, const data::Inputs<Scalar>& training) { add(columns, &training); }

    /// @throws StateError for an input that is not there or of the other kind; ShapeError for one that does not fit; ValueError for
    /// an index out of range: each names the column
    [[nodiscard]] Variable<Scalar> operator()(const data::Inputs<Scalar>& inputs) const {
        (void)data::size_of(inputs);
        PoolVector<Variable<Scalar>> parts;
        for (const auto& [name, numbers] : numbers_)
            parts.push_back(numbers(name, inputs));
        for (const auto& [name, categories] : categories_)
            parts.push_back(categories(name, inputs));
        return autograd::cat(std::span<const Variable<Scalar>>{parts}, 1);
    }

    /// Features of a sample.
    [[nodiscard]] Index width() const noexcept {
        Index result = 0;
        for (const auto& [name, numbers] : numbers_)
            result += numbers.width();
        for (const auto& [name, categories] : categories_)
            result += categories.width();
        return result;
    }

    void visit(Visitor<Scalar>& visitor) {
        const auto show = [&](auto& columns) {
            for (auto& [name, column] : columns) {
                visitor.input(name);
                visitor(name, column);
            }
        };
        show(numbers_);
        show(categories_);
    }

private:
    void add(const TableInputs& columns, const data::Inputs<Scalar>* training) {
        require<ValueError>(!columns.numbers.empty() || !columns.categories.empty(), "Table", "expected at least one column, got none");
        for (const NumberColumn& column : columns.numbers) {
            require<ValueError>(column.width > 0, "Table", "expected at least one number in column '", column.name, "', got ",
                                column.width);
            numbers_.insert(column.name, training ? Numbers{column, *training} : Numbers{column});
        }
        for (const CategoryColumn& column : columns.categories) {
            require<StateError>(!numbers_.contains(column.name), "Table", "expected each column once, got '", column.name, "' twice");
            categories_.insert(column.name, Categories{column});
        }
    }

    using Numbers = detail::TableNumbers<Scalar>;
    using Categories = detail::TableCategories<Scalar>;

    Named<Numbers> numbers_;
    Named<Categories> categories_;
};

}  // namespace espalier::inline ESPALIER_ABI::nn
