// SPDX-License-Identifier: MIT
/// @file Hard parameter sharing: one trunk for all tasks, one head for each.
#pragma once

#include <espalier/autograd/backward.hpp>
#include <espalier/nn/arena.hpp>
#include <espalier/nn/layer.hpp>

#include <algorithm>
#include <initializer_list>
#include <span>
#include <string>
#include <utility>
#include <vector>

namespace espalier::inline ESPALIER_ABI::mtl {

/// A task's name and the layer that makes its output from the trunk's features.
template <class Scalar = float>
struct Head {
    std::string name;
    nn::Layer<Scalar> layer;
};

/// What a net gives for each task, in the order of its heads.
template <class Scalar = float>
using Outputs = Named<Variable<Scalar>>;

/// A shared trunk that feeds one head per task (Caruana, 1997).
///
/// All parameters lie in one arena, the trunk's first and then each head's. Their paths are `trunk.<...>` and
/// `heads.<task>.<...>`. Copying a net copies its parameters; an optimizer holds on to those of the net it was made with.
template <class Scalar = float>
class MultiTaskNet : public nn::Module<MultiTaskNet<Scalar>, Scalar> {
public:
    /// @throws StateError without a head, or for a name that comes twice.
    ESPALIER_COLD MultiTaskNet(nn::Layer<Scalar> trunk, std::vector<Head<Scalar>> heads) : trunk_{std::move(trunk)} {
        require<StateError>(!heads.empty(), "MultiTaskNet", "expected at least one head, got none");
        for (auto& head : heads) {
            require<StateError>(!heads_.contains(head.name), "MultiTaskNet", "expected one head for each task, got '", head.name,
                                "' twice");
            heads_.insert(std::move(head.name), std::move(head.layer));
        }
        lay_out();
    }
    ESPALIER_COLD MultiTaskNet(nn::Layer<Scalar> trunk, std::initializer_list<Head<Scalar>> heads)
        : MultiTaskNet{std::move(trunk), std::vector<Head<Scalar>>(heads)} {}
    MultiTaskNet(const MultiTaskNet& other) : nn::Module<MultiTaskNet, Scalar>{}, trunk_{other.trunk_}, heads_{other.heads_} {
        lay_out();
    }
    MultiTaskNet(MultiTaskNet&&) noexcept = default;
    MultiTaskNet& operator=(MultiTaskNet other) noexcept {
        std::swap(trunk_, other.trunk_);
        std::swap(heads_, other.heads_);
        std::swap(arena_, other.arena_);
        std::swap(shared_size_, other.shared_size_);
        return *this;
    }
    ~MultiTaskNet() = default;

    /// The output of every task for a batch of inputs. @throws what a layer throws; a ShapeError says in which layer.
    [[nodiscard]] Outputs<Scalar> operator()(const Variable<Scalar>& input) { return heads(features(input)); }

    /// What the trunk makes of a batch of inputs.
    [[nodiscard]] Variable<Scalar> features(const Variable<Scalar>& input) {
        return nn::detail::naming_place([&] { return trunk_(input); }, [](const ShapeError&) { return "trunk"; });
    }

    /// The output of every task from the trunk's features.
    [[nodiscard]] Outputs<Scalar> heads(const Variable<Scalar>& features) {
        return heads_.map([&](const std::string& task, nn::Layer<Scalar>& head) {
            return nn::detail::naming_place([&] { return head(features); }, [&](const ShapeError&) { return "head '" + task + "'"; });
        });
    }

    /// Outputs in evaluation mode and without a graph, computed in batches of at most `batch_size`: (N, ...) for each
    /// task. The mode of every layer is as before afterwards. @throws ValueError for a batch size below 1; ShapeError for
    /// no inputs, or a head whose output does not keep the batch axis.
    [[nodiscard]] Named<Tensor<Scalar>> predict(const Tensor<Scalar>& inputs, Index batch_size = 256) {
        require<ShapeError>(inputs.rank() > 0 && inputs.size(0) > 0, "predict", "expected at least one input, got shape ",
                            inputs.shape());
        require<ValueError>(batch_size > 0, "predict", "expected a batch size above 0, got ", batch_size);
        const NoGrad no_graph;
        const nn::EvalScope<Scalar> evaluation{*this};
        Named<Tensor<Scalar>> result;
        for (Index first = 0; first < inputs.size(0); first += batch_size) {
            const Index last = std::min(first + batch_size, inputs.size(0));
            for (const auto& [task, output] : (*this)(inputs.slice(first, last))) {
                require<ShapeError>(output.rank() > 0 && output.size(0) == last - first, "predict", "expected ", last - first,
                                    " outputs for task '", task, "', got shape ", output.shape());
                if (first == 0)
                    result.insert(task, Tensor<Scalar>::empty(output.shape().with(0, inputs.size(0))));
                Tensor<Scalar>& whole = result.at(task);
                require<ShapeError>(output.shape().with(0, inputs.size(0)) == whole.shape(), "predict",
                                    "expected batches of one shape for task '", task, "', got ", whole.shape(), " and ",
                                    output.shape());
                std::copy(output.value().begin(), output.value().end(),
                          whole.data() + first * output.shape().product(1, output.rank()));
            }
        }
        return result;
    }

    [[nodiscard]] nn::Layer<Scalar>& trunk() noexcept { return trunk_; }
    /// @throws StateError for a task that is not there.
    [[nodiscard]] nn::Layer<Scalar>& head(std::string_view task) { return heads_.at(task); }
    [[nodiscard]] std::vector<std::string> tasks() const {
        std::vector<std::string> names;
        for (const auto& [task, head] : heads_)
            names.push_back(task);
        return names;
    }

    /// Handles to the trunk's parameters, which all tasks share.
    [[nodiscard]] std::vector<Variable<Scalar>> shared_parameters() const { return trunk_.parameters(); }
    /// Handles to the parameters of one task's head. @throws StateError for a task that is not there.
    [[nodiscard]] std::vector<Variable<Scalar>> task_parameters(std::string_view task) const { return heads_.at(task).parameters(); }
    /// How many elements the shared parameters have: the first P of the arena.
    [[nodiscard]] Index shared_size() const noexcept { return shared_size_; }
    [[nodiscard]] const nn::Arena<Scalar>& arena() const noexcept { return arena_; }

    /// The gradient of each of T losses on the shared parameters, as the rows of a (T, shared_size()) tensor, all from one
    /// traversal; the heads' gradients are added to theirs. @throws as autograd::jacobian.
    [[nodiscard]] Tensor<Scalar> shared_jacobian(std::span<const Variable<Scalar>> losses, bool retain_graph = false) const {
        const auto shared = shared_parameters();
        return autograd::jacobian<Scalar>(losses, shared, {.retain_graph = retain_graph, .accumulate_others = true});
    }

    void visit(nn::Visitor<Scalar>& visitor) {
        visitor("trunk", trunk_);
        for (auto& [task, head] : heads_)
            visitor("heads." + task, head);
    }

private:
    ESPALIER_COLD void lay_out() {
        std::vector<nn::Parameter<Scalar>*> parameters;
        for (const auto& [path, entry] : nn::detail::tensors_of<Scalar>(*this))
            if (entry.parameter)
                parameters.push_back(entry.parameter);
        arena_ = nn::Arena<Scalar>{parameters};
        shared_size_ = trunk_.parameter_count();
    }

    nn::Layer<Scalar> trunk_;
    Named<nn::Layer<Scalar>> heads_;
    nn::Arena<Scalar> arena_;
    Index shared_size_ = 0;
};

template <class Trunk>
MultiTaskNet(Trunk, std::initializer_list<Head<typename Trunk::value_type>>) -> MultiTaskNet<typename Trunk::value_type>;
template <class Trunk>
MultiTaskNet(Trunk, std::vector<Head<typename Trunk::value_type>>) -> MultiTaskNet<typename Trunk::value_type>;

}  // namespace espalier::inline ESPALIER_ABI::mtl
