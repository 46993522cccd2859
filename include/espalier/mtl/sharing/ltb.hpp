// SPDX-License-Identifier: MIT
/// @file Learned branching: columns of which each task finds its way, and the tree that is left in the end.
#pragma once

#include <espalier/autograd/arithmetic.hpp>
#include <espalier/autograd/mix.hpp>
#include <espalier/autograd/reshape.hpp>
#include <espalier/autograd/softmax.hpp>
#include <espalier/core/finite.hpp>
#include <espalier/mtl/sharing/columns.hpp>
#include <espalier/nn/undo.hpp>

#include <algorithm>
#include <cmath>
#include <cstddef>
#include <utility>
#include <vector>

namespace espalier::inline ESPALIER_ABI::mtl {

/// Networks that share their first stages as far as they agree: a tree, each node of which runs once. `LTB` makes it.
template <class Scalar = float>
class TaskTree : public nn::Module<TaskTree<Scalar>, Scalar> {
public:
    static constexpr std::size_t none = static_cast<std::size_t>(-1);  ///< the parent of a node that reads the input

    /// Nodes are layers and which node before each reads; each task has the features of one node.
    /// @throws ValueError for no task, a node that reads one that is not before it, or a leaf that is no node
    TaskTree(std::vector<nn::Layer<Scalar>> nodes, std::vector<std::size_t> parents, std::vector<std::size_t> leaves)
        : nodes_{std::move(nodes)}, parents_{std::move(parents)}, leaves_{std::move(leaves)} {
        require<ValueError>(!leaves_.empty() && parents_.size() == nodes_.size(), "TaskTree", "expected a task and a parent for each of ",
                            nodes_.size(), " nodes, got ", leaves_.size(), " tasks and ", parents_.size(), " parents");
        for (std::size_t i = 0; i < parents_.size(); ++i)
            require<ValueError>(parents_[i] == none || parents_[i] < i, "TaskTree", "expected parents before their nodes, got ",
                                parents_[i], " of node ", i);
        for (const std::size_t leaf : leaves_)
            require<ValueError>(leaf < nodes_.size(), "TaskTree", "expected leaves among ", nodes_.size(), " nodes, got ", leaf);
    }

    /// @throws what a layer throws; a ShapeError says in which node
    [[nodiscard]] Features<Scalar> operator()(const Variable<Scalar>& input) {
        Features<Scalar> found, result;
        for (std::size_t i = 0; i < nodes_.size(); ++i)
            found.push_back(nn::detail::naming_place([&] { return nodes_[i](parents_[i] == none ? input : found[parents_[i]]); },
                                                     [&](const ShapeError&) { return concat("node ", i); }));
        for (const std::size_t leaf : leaves_)
            result.push_back(found[leaf]);
        return result;
    }

    void visit(nn::Visitor<Scalar>& visitor) { visitor("nodes", nodes_); }

    /// Which node each node reads, and which one's output is a task's features.
    [[nodiscard]] const std::vector<std::size_t>& parents() const noexcept { return parents_; }
    [[nodiscard]] const std::vector<std::size_t>& leaves() const noexcept { return leaves_; }

private:
    nn::Children<nn::Layer<Scalar>> nodes_;
    std::vector<std::size_t> parents_;
    std::vector<std::size_t> leaves_;
};

/// Of a `LTB`.
struct LTBOptions {
    std::vector<std::size_t> after = {};  ///< after how many layers a parent is chosen, ascending; none stands for after each layer
    double temperature = 1;               ///< of the choice; 0 takes the parent of the largest score alone
    bool noise = true;                    ///< in training, as in the paper
};

/// Guo, Lee and Ulbricht, "Learning to branch for multi-task learning" (ICML 2020, arXiv:2006.01895).
///
/// As many columns of layers as heads. What column j reads after a stage k is the sum over i of d_ij x_i, d_j = softmax((scores + e) /
/// temperature) with e of Gumbel's distribution in training, drawn for each call: a choice of one parent that becomes hard as the
/// temperature falls. The scores are parameters `branches.<k>` (T, T), 0 at first, a row for each child; at a last place that ends
/// the columns the children are the tasks. `set_temperature` between epochs cools it; `tree()` is what is left in the end.
template <class Scalar = float>
class LTB : public nn::Module<LTB<Scalar>, Scalar> {
public:
    /// One column for each head. @throws ValueError for columns of different depths, places that are not there, or a temperature as below
    explicit LTB(std::vector<nn::Layer<Scalar>> columns, LTBOptions options = {})
        : columns_{"LTB", std::move(columns), std::move(options.after)}, noise_{options.noise}, random_{new_random()} {
        set_temperature(options.temperature);
        const auto tasks = static_cast<Index>(columns_.size());
        for (std::size_t k = 0; k < columns_.exchanges(); ++k)
            branches_.push_back(nn::Parameter<Scalar>{Tensor<Scalar>{Shape{tasks, tasks}}});
    }

    /// @throws ShapeError if columns have outputs of different shapes at a place, and what a layer throws
    [[nodiscard]] Features<Scalar> operator()(const Variable<Scalar>& input) {
        if (mode_.training() && noise_)
            nn::undo_on_error([this, before = random_] { random_ = before; });
        return columns_.run(input, [this](std::size_t k, const Features<Scalar>& found) {
            const auto scores = chances(k);
            Features<Scalar> chosen;
            for (std::size_t j = 0; j < found.size(); ++j) {
                const auto row = autograd::narrow(scores, 0, static_cast<Index>(j), 1);
                if (temperature_ == 0)
                    chosen.push_back(found[largest(row.value().data(), found.size())]);
                else
                    chosen.push_back(autograd::mix<Scalar>(found, autograd::reshape(row, {scores.size(1)})));
            }
            return chosen;
        });
    }

    void visit(nn::Visitor<Scalar>& visitor) {
        visitor("columns", columns_);
        visitor("branches", branches_);
        visitor.mode(mode_);
    }

    [[nodiscard]] double temperature() const noexcept { return temperature_; }
    /// @throws ValueError unless it is 0, or finite and at least 1e-6, below which it differs in nothing
    void set_temperature(double temperature) {
        require<ValueError>(temperature == 0 || (is_finite(temperature) && temperature >= 1e-6), "LTB",
                            "expected a temperature of 0 or at least 1e-6, got ", temperature);
        temperature_ = temperature;
    }

    /// What each task reads if every child takes the parent of its largest score, the first of equal ones: copies of the stages that
    /// are on any task's way, each once. It computes what this does in evaluation at temperature 0.
    [[nodiscard]] TaskTree<Scalar> tree() const {
        const std::size_t tasks = columns_.size(), stages = columns_.stages();
        // From the tasks down: the column that each reads at each stage.
        std::vector<std::vector<std::size_t>> ways(tasks, std::vector<std::size_t>(stages));
        for (std::size_t task = 0; task < tasks; ++task) {
            std::size_t column = task;
            for (std::size_t k = stages; k-- > 0;) {
                if (k < branches_.size())
                    column = largest(branches_[k].value().data() + column * tasks, tasks);
                ways[task][k] = column;
            }
        }
        std::vector<nn::Layer<Scalar>> nodes;
        std::vector<std::size_t> parents, leaves(tasks, TaskTree<Scalar>::none);
        for (std::size_t k = 0; k < stages; ++k) {
            std::vector<std::size_t> node_of_column(tasks, TaskTree<Scalar>::none);
            for (std::size_t task = 0; task < tasks; ++task) {
                std::size_t& node = node_of_column[ways[task][k]];
                if (node == TaskTree<Scalar>::none) {
                    node = nodes.size();
                    nodes.push_back(columns_.stage(ways[task][k], k));
                    parents.push_back(leaves[task]);
                }
                leaves[task] = node;
            }
        }
        return {std::move(nodes), std::move(parents), std::move(leaves)};
    }

private:
    [[nodiscard]] static std::size_t largest(const Scalar* row, std::size_t count) {
        return static_cast<std::size_t>(std::max_element(row, row + count) - row);
    }

    /// Of each child's parents (T, T): their shares, or at temperature 0 their scores.
    [[nodiscard]] Variable<Scalar> chances(std::size_t k) {
        Variable<Scalar> scores = branches_[k].variable();
        if (mode_.training() && noise_) {
            Tensor<Scalar> noise{scores.shape()};
            for (Scalar& value : noise)
                value = static_cast<Scalar>(-std::log(-std::log(std::max(random_.uniform(), 1e-300))));
            scores = scores + Variable<Scalar>{std::move(noise)};
        }
        return temperature_ == 0 ? scores : autograd::softmax(scores * static_cast<Scalar>(1 / temperature_));
    }

    detail::LayerColumns<Scalar> columns_;
    nn::Children<nn::Parameter<Scalar>> branches_;
    double temperature_ = 1;
    bool noise_;
    Random random_;
    nn::Mode mode_;
};

}  // namespace espalier::inline ESPALIER_ABI::mtl
