// SPDX-License-Identifier: MIT
/// @file A network of several tasks: a trunk that they share, or another way of sharing, and one head for each.
#pragma once

#include <espalier/autograd/arithmetic.hpp>
#include <espalier/autograd/backward.hpp>
#include <espalier/autograd/reshape.hpp>
#include <espalier/mtl/below_heads.hpp>
#include <espalier/mtl/multi_task_loss.hpp>
#include <espalier/mtl/outputs.hpp>
#include <espalier/mtl/sharing.hpp>
#include <espalier/nn/encoder.hpp>
#include <espalier/nn/layer.hpp>
#include <espalier/nn/undo.hpp>

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
    mutable nn::Layer<Scalar> layer;  ///< mutable, so that it can be moved out of a braced list
};

/// A shared trunk that feeds one head per task (Caruana, 1997), or any other way of sharing in its place (mtl/sharing/). Where a
/// sample is more than one tensor, an encoder makes one of them in front of it, and belongs to what is shared.
///
/// The paths of the parameters are `encoder.<...>`, `trunk.<...>` and `heads.<task>.<...>`, in this order. Copying a net copies its
/// parameters; an optimizer holds on to those of the net it was made with, and assigning another net of the same structure,
/// as the best one so far, moves the values into them.
template <class Scalar = float>
class MultiTaskNet : public nn::Module<MultiTaskNet<Scalar>, Scalar> {
public:
    /// @throws StateError without a head, or for a name that comes twice.
    ESPALIER_COLD MultiTaskNet(nn::Layer<Scalar> trunk, std::vector<Head<Scalar>> heads)
        : MultiTaskNet{Shared{hard(trunk)}, std::span<const Head<Scalar>>{heads}} {}
    ESPALIER_COLD MultiTaskNet(nn::Layer<Scalar> trunk, std::initializer_list<Head<Scalar>> heads)
        : MultiTaskNet{Shared{hard(trunk)}, std::span<const Head<Scalar>>{heads.begin(), heads.size()}} {}
    ESPALIER_COLD MultiTaskNet(Sharing<Scalar> sharing, std::vector<Head<Scalar>> heads)
        : MultiTaskNet{Shared{std::move(sharing)}, std::span<const Head<Scalar>>{heads}} {}
    ESPALIER_COLD MultiTaskNet(Sharing<Scalar> sharing, std::initializer_list<Head<Scalar>> heads)
        : MultiTaskNet{Shared{std::move(sharing)}, std::span<const Head<Scalar>>{heads.begin(), heads.size()}} {}
    /// For inputs by name, which an encoder makes one variable of. @throws as above
    ESPALIER_COLD MultiTaskNet(nn::Encoder<Scalar> encoder, nn::Layer<Scalar> trunk, std::vector<Head<Scalar>> heads)
        : MultiTaskNet{Shared{std::move(encoder), hard(trunk)}, std::span<const Head<Scalar>>{heads}} {}
    ESPALIER_COLD MultiTaskNet(nn::Encoder<Scalar> encoder, nn::Layer<Scalar> trunk, std::initializer_list<Head<Scalar>> heads)
        : MultiTaskNet{Shared{std::move(encoder), hard(trunk)}, std::span<const Head<Scalar>>{heads.begin(), heads.size()}} {}
    ESPALIER_COLD MultiTaskNet(nn::Encoder<Scalar> encoder, Sharing<Scalar> sharing, std::vector<Head<Scalar>> heads)
        : MultiTaskNet{Shared{std::move(encoder), std::move(sharing)}, std::span<const Head<Scalar>>{heads}} {}
    ESPALIER_COLD MultiTaskNet(nn::Encoder<Scalar> encoder, Sharing<Scalar> sharing, std::initializer_list<Head<Scalar>> heads)
        : MultiTaskNet{Shared{std::move(encoder), std::move(sharing)}, std::span<const Head<Scalar>>{heads.begin(), heads.size()}} {}

    /// The output of every task for a batch of inputs. @throws what a layer throws; a ShapeError says in which layer. StateError
    /// for one tensor where the net has an encoder, and for inputs by name where it has none
    [[nodiscard]] Outputs<Scalar> operator()(const Variable<Scalar>& input) {
        const nn::detail::ForwardScope call;
        return heads(below_(input));
    }
    [[nodiscard]] Outputs<Scalar> operator()(const data::Inputs<Scalar>& inputs) {
        const nn::detail::ForwardScope call;
        return heads(below_(inputs));
    }

    /// What all heads are fed with for a batch of inputs. @throws StateError if each has features of its own: those are
    /// `sharing()(input)`
    [[nodiscard]] Variable<Scalar> features(const Variable<Scalar>& input) { return only_features(input); }
    [[nodiscard]] Variable<Scalar> features(const data::Inputs<Scalar>& inputs) { return only_features(inputs); }

    /// The output of every task from features for all of them, or for each. @throws ShapeError for another number of them
    [[nodiscard]] Outputs<Scalar> heads(const Features<Scalar>& features) {
        require<ShapeError>(features.size() == 1 || features.size() == heads_.size(), "heads",
                            "expected features for all heads, or one for each of ", heads_.size(), ", got ", features.size());
        const nn::detail::ForwardScope call;
        std::size_t index = 0;
        return outputs_(heads_.map([&](const std::string& task, nn::Layer<Scalar>& head) {
            const Variable<Scalar>& own = features[features.size() == 1 ? 0 : index++];
            return nn::detail::naming_place([&] { return head(own); }, [&](const ShapeError&) { return "head '" + task + "'"; });
        }));
    }
    [[nodiscard]] Outputs<Scalar> heads(const Variable<Scalar>& features) { return heads(Features<Scalar>(1, features)); }

    /// Adds an output that has no head but is made of those of the heads, as in ESMM the logit of a click and a purchase of the logits of
    /// both. It comes behind them, wherever outputs do. The function is copied with the net and is to have no parameters of its own.
    /// @throws StateError for a name that is there already; ValueError for no function. An error of the function says of which output
    void derive(std::string name, DerivedOutput<Scalar> make) { outputs_.derive(std::move(name), std::move(make)); }

    /// Outputs in evaluation mode and without a graph, computed in batches of at most `batch_size`: (N, ...) for each task.
    /// No layer is changed, so several threads may predict with one net; a layer of one's own that changes itself in a call
    /// must see to that itself. @throws ValueError for a batch size below 1; ShapeError for an input without a batch axis, or
    /// a head whose output does not keep it.
    [[nodiscard]] Named<Tensor<Scalar>> predict(const Tensor<Scalar>& inputs, Index batch_size = 256) const {
        require<ShapeError>(inputs.rank() > 0 && inputs.size(0) > 0, "predict", "expected at least one input, got shape ", inputs.shape());
        return predict_parts(inputs.size(0), batch_size, [&](Index first, Index last) { return inputs.slice(first, last); });
    }
    [[nodiscard]] Named<Tensor<Scalar>> predict(const data::Inputs<Scalar>& inputs, Index batch_size = 256) const {
        const Index samples = data::size_of(inputs);
        if (samples == 0)
            fail<ShapeError>("predict", "expected at least one sample of ", inputs.names(), ", got none");
        return predict_parts(samples, batch_size, [&](Index first, Index last) {
            return inputs.map([&](const auto&, const data::Input<Scalar>& input) { return input.slice(first, last); });
        });
    }

    /// The sum of what the sharing, or any layer, adds to the loss in training, as `criterion(net(x), targets).add(net.penalty())`;
    /// a constant 0 where there is nothing. Terms that depend on the input are those of the last call in training mode.
    /// @throws ShapeError for a penalty of more than one element
    [[nodiscard]] Variable<Scalar> penalty() const {
        nn::detail::CollectPenalties<Scalar> collect;
        const_cast<MultiTaskNet&>(*this).visit(collect);
        if (collect.terms.empty())
            return Tensor<Scalar>::scalar(0);
        for (Variable<Scalar>& term : collect.terms)
            term = autograd::reshape(term, {});
        return autograd::weighted_sum<Scalar>(collect.terms, PoolVector<Scalar>(collect.terms.size(), Scalar(1)));
    }

    /// What makes one variable of inputs by name. @throws StateError if the net takes one tensor
    [[nodiscard]] nn::Encoder<Scalar>& encoder() & {
        require<StateError>(below_.encoder.has_value(), "encoder", "expected a net of inputs by name, got one of one tensor");
        return *below_.encoder;
    }
    [[nodiscard]] const nn::Encoder<Scalar>& encoder() const& { return const_cast<MultiTaskNet&>(*this).encoder(); }
    [[nodiscard]] nn::Encoder<Scalar> encoder() && { return std::move(encoder()); }
    /// What stands between the input, or the encoder, and the heads.
    [[nodiscard]] Sharing<Scalar>& sharing() & noexcept { return below_.sharing; }
    [[nodiscard]] const Sharing<Scalar>& sharing() const& noexcept { return below_.sharing; }
    [[nodiscard]] Sharing<Scalar> sharing() && { return std::move(below_.sharing); }
    /// The one layer that makes the features of all tasks. @throws StateError if there is another way of sharing
    [[nodiscard]] nn::Layer<Scalar>& trunk() & {
        auto* const hard = below_.sharing.template get_if<HardSharing<Scalar>>();
        require<StateError>(hard != nullptr, "trunk", "expected one trunk for all tasks, got another way of sharing");
        return hard->trunk();
    }
    [[nodiscard]] const nn::Layer<Scalar>& trunk() const& { return const_cast<MultiTaskNet&>(*this).trunk(); }
    [[nodiscard]] nn::Layer<Scalar> trunk() && { return std::move(trunk()); }
    /// One that is assigned a layer of another type or shape has new parameters, which the optimizers made before do not know.
    /// @throws StateError for a task that is not there.
    [[nodiscard]] nn::Layer<Scalar>& head(std::string_view task) & { return heads_.at(task); }
    [[nodiscard]] const nn::Layer<Scalar>& head(std::string_view task) const& { return heads_.at(task); }
    [[nodiscard]] nn::Layer<Scalar> head(std::string_view task) && { return std::move(heads_).at(task); }
    /// What there is an output for: the names of the heads, and those that were derived.
    [[nodiscard]] std::vector<std::string> tasks() const {
        std::vector<std::string> names;
        for (const auto& [task, derived] : outputs_)
            names.push_back(task);
        return names;
    }

    /// Handles to all parameters but those of the heads.
    [[nodiscard]] std::vector<Variable<Scalar>> shared_parameters() const { return below_.parameters(); }
    /// Handles to the parameters of one task's head, of which a derived output has none. @throws StateError for a task that is not there.
    [[nodiscard]] std::vector<Variable<Scalar>> task_parameters(std::string_view task) const {
        return outputs_.is_derived(task) ? std::vector<Variable<Scalar>>{} : heads_.at(task).parameters();
    }
    /// How many elements the shared parameters have.
    [[nodiscard]] Index shared_size() const { return below_.parameter_count(); }

    /// The gradient of each of T losses on the shared parameters, as the rows of a (T, shared_size()) tensor, all from one
    /// traversal; the heads' gradients are added to theirs. @throws as autograd::jacobian.
    [[nodiscard]] Tensor<Scalar> shared_jacobian(std::span<const Variable<Scalar>> losses, bool retain_graph = false) const {
        return shared_jacobian(losses, {.retain_graph = retain_graph, .accumulate_others = true});
    }
    /// The same of the losses of a criterion, each times its weight; a task that is not active has a row of zeros.
    [[nodiscard]] Tensor<Scalar> shared_jacobian(const MultiTaskLossValue<Scalar>& loss, bool retain_graph = false) const {
        const std::vector<double> weights = loss.weights();
        PoolVector<Variable<Scalar>> losses;
        for (const auto& [task, value] : loss.tasks())
            losses.push_back(value);
        return shared_jacobian(std::span<const Variable<Scalar>>{losses},
                               {.retain_graph = retain_graph, .accumulate_others = true, .weights = weights});
    }
    /// The way back: adds a gradient (shared_size(),) that was made of the rows of a Jacobian to those of the shared parameters,
    /// as a backward pass does. @throws ShapeError
    void add_shared_gradient(const Tensor<Scalar>& gradient) const {
        auto shared = shared_parameters();
        Index size = 0;
        for (const auto& parameter : shared)
            size += parameter.numel();
        require<ShapeError>(gradient.shape() == Shape{size}, "add_shared_gradient", "expected a gradient of shape (", size, ",), got ",
                            gradient.shape());
        const Scalar* from = gradient.data();
        for (auto& parameter : shared) {
            if (parameter.requires_grad())
                parameter.add_grad({from, static_cast<std::size_t>(parameter.numel())});
            from += parameter.numel();
        }
    }

    void visit(nn::Visitor<Scalar>& visitor) {
        below_.visit(visitor);
        for (auto& [task, head] : heads_)
            visitor("heads." + task, head);
    }

private:
    using Shared = detail::BelowHeads<Scalar>;

    [[nodiscard]] static Sharing<Scalar> hard(nn::Layer<Scalar>& trunk) { return HardSharing<Scalar>{std::move(trunk)}; }

    ESPALIER_COLD MultiTaskNet(Shared&& below, std::span<const Head<Scalar>> heads) : below_{std::move(below)} {
        require<StateError>(!heads.empty(), "MultiTaskNet", "expected at least one head, got none");
        for (const auto& head : heads) {
            require<StateError>(!heads_.contains(head.name), "MultiTaskNet", "expected one head for each task, got '", head.name,
                                "' twice");
            heads_.insert(head.name, std::move(head.layer));
            outputs_.add_head(head.name);
        }
        (void)nn::detail::tensors_of<Scalar>(*this);  // what it shows from the start on has names in errors
    }

    [[nodiscard]] Tensor<Scalar> shared_jacobian(std::span<const Variable<Scalar>> losses, const autograd::JacobianOptions& options) const {
        const auto shared = shared_parameters();
        return autograd::jacobian<Scalar>(losses, shared, options);
    }

    template <class Given>
    [[nodiscard]] Variable<Scalar> only_features(const Given& given) {
        const nn::detail::ForwardScope call;
        auto result = below_(given);
        require<StateError>(result.size() == 1, "features", "expected features that all heads share, got ", result.size(),
                            ", one for each head");
        return std::move(result.front());
    }

    /// `part(first, last)` gives samples [first, last) of so many.
    template <class Part>
    [[nodiscard]] Named<Tensor<Scalar>> predict_parts(Index samples, Index batch_size, const Part& part) const {
        require<ValueError>(batch_size > 0, "predict", "expected a batch size above 0, got ", batch_size);
        const NoGrad no_graph;
        const nn::EvalScope evaluation;
        auto& self = const_cast<MultiTaskNet&>(*this);  // layers are called as they are in training, but change nothing now
        Named<Tensor<Scalar>> result;
        for (Index first = 0; first < samples;) {
            const Index last = batch_size < samples - first ? first + batch_size : samples;
            for (const auto& [task, output] : self(part(first, last))) {
                require<ShapeError>(output.rank() > 0 && output.size(0) == last - first, "predict", "expected ", last - first,
                                    " outputs for task '", task, "', got shape ", output.shape());
                if (first == 0)
                    result.insert(task, Tensor<Scalar>::empty(output.shape().with(0, samples)));
                Tensor<Scalar>& whole = result.at(task);
                require<ShapeError>(output.shape().with(0, samples) == whole.shape(), "predict", "expected batches of one shape for task '",
                                    task, "', got ", whole.shape(), " and ", output.shape());
                std::copy(output.value().begin(), output.value().end(), whole.data() + first * output.shape().product(1, output.rank()));
            }
            first = last;
        }
        return result;
    }

    Shared below_;
    Named<nn::Layer<Scalar>> heads_;
    detail::OutputList<Scalar> outputs_;
};

template <class Trunk>
MultiTaskNet(Trunk, std::initializer_list<Head<typename Trunk::value_type>>) -> MultiTaskNet<typename Trunk::value_type>;
template <class Trunk>
MultiTaskNet(Trunk, std::vector<Head<typename Trunk::value_type>>) -> MultiTaskNet<typename Trunk::value_type>;
template <class Encoder, class Trunk>
MultiTaskNet(Encoder, Trunk, std::initializer_list<Head<typename Trunk::value_type>>) -> MultiTaskNet<typename Trunk::value_type>;
template <class Encoder, class Trunk>
MultiTaskNet(Encoder, Trunk, std::vector<Head<typename Trunk::value_type>>) -> MultiTaskNet<typename Trunk::value_type>;

}  // namespace espalier::inline ESPALIER_ABI::mtl
