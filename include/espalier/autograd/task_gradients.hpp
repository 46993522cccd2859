// SPDX-License-Identifier: MIT
/// @file The gradients of several tasks' losses, all from one traversal, on whatever more than one of them reaches: their inner
/// products, and any weighted sum of them, without the T x P matrix of them wherever it would be large.
#pragma once

#include <espalier/autograd/backward.hpp>
#include <espalier/autograd/deferred.hpp>
#include <espalier/kernels/gramian.hpp>

#include <algorithm>
#include <array>
#include <cstddef>
#include <cstdint>
#include <memory>
#include <span>
#include <string_view>
#include <utility>

namespace espalier::inline ESPALIER_ABI::autograd {

/// What a `TaskGradients` is to keep.
struct TaskGradientsOptions {
    bool retain_graph = false;
    std::span<const double> weights = {};     ///< factors of the losses; none stands for 1
    std::span<const std::size_t> tasks = {};  ///< which task each loss is of, ascending; none stands for 0, 1, ...
    std::size_t task_count = 0;               ///< if `tasks` are told: of all, losses or not
    bool rows = false;                        ///< keep the gradients themselves, so that `write_rows` and `absorb` can be asked for
    Index kept_elements = 1 << 18;            ///< so many of all tasks' rows on one node's parameters are kept without further thought
    bool at_features = false;                 ///< end at what a model's shared part gives to its heads; one sum goes on from there
};

/// Made of T losses, it holds their gradients apart and has changed nothing yet; `combine` adds a weighted sum of them to those of
/// the leaves.
///
/// What is shared is seen: a leaf that one task alone reaches is that task's own. The gradients on shared leaves lie in pieces, one
/// for each leaf, or one for each of the model's features. A piece is kept as T rows, unless these are large: then only their inner
/// products are kept, and the cotangents of the node that has the leaf, whose backward function runs once more in `combine`.
template <class Scalar>
class TaskGradients {
public:
    /// @throws as `jacobian`
    explicit TaskGradients(std::span<const Variable<Scalar>> losses, const TaskGradientsOptions& options = {})
        : TaskGradients{seeds_of(losses, options), static_cast<Index>(options.tasks.empty() ? losses.size() : options.task_count),
                        options} {}

    [[nodiscard]] Index tasks() const noexcept { return tasks_; }
    [[nodiscard]] std::size_t pieces() const noexcept { return pieces_.size(); }
    /// The path of the parameter in its model, empty for a leaf that no model has and for features.
    [[nodiscard]] std::string_view name(std::size_t piece) const { return path(*pieces_[piece].node); }
    [[nodiscard]] Index numel(std::size_t piece) const noexcept { return pieces_[piece].node->value.numel(); }

    /// Adds the inner products of the tasks' gradients on a piece to `gramian[i * tasks() + j]`.
    void add_gramian(std::size_t piece, double* gramian) const {
        const Piece& p = pieces_[piece];
        const Index count = p.rows.size();
        if (!p.gramian && count == tasks_)
            return p.gradients->add_gramian(gramian);
        PoolVector<double> made;
        if (!p.gramian) {
            made.resize(static_cast<std::size_t>(count * count));
            p.gradients->add_gramian(made.data());
        }
        const double* from = p.gramian ? p.gramian : made.data();
        for (const Index i : p.rows)
            for (const Index j : p.rows)
                gramian[i * tasks_ + j] += *from++;
    }

    /// Writes the gradients on a piece, that of task t to `to + t * stride`, 0 where it does not reach it. Only with `rows`.
    void write_rows(std::size_t piece, Scalar* to, Index stride) const {
        const Piece& p = pieces_[piece];
        const Index size = numel(piece);
        const Scalar* from = p.gradients->value().data();
        for (Index task = 0; task < tasks_; ++task)
            std::fill_n(to + task * stride, size, Scalar(0));
        for (const Index task : p.rows) {
            std::copy_n(from, size, to + task * stride);
            from += size;
        }
    }

    /// Adds the gradients of another of as many tasks, as of the next part of a batch. Both with `rows`, and not at features.
    void absorb(TaskGradients&& other) {
        const auto older = [](const Kept& a, const Kept& b) { return a.leaf->sequence < b.leaf->sequence; };
        const auto own_size = static_cast<std::ptrdiff_t>(kept_.size());
        for (Kept& theirs : other.kept_) {
            const auto end = kept_.begin() + own_size;
            const auto own = std::lower_bound(kept_.begin(), end, theirs, older);
            if (own != end && own->leaf == theirs.leaf)
                own->gradients->add(theirs.gradients->rows(), std::move(theirs.gradients->value()));
            else
                kept_.push_back(std::move(theirs));
        }
        std::inplace_merge(kept_.begin(), kept_.begin() + own_size, kept_.end(), older);
        find_pieces();
    }

    /// Adds to the gradients of all leaves: to shared ones the sum of the tasks' gradients, each times its weight in
    /// `weights_of(piece)`, T doubles; to a task's own leaves its gradient times its weight in `own`. To be called once.
    template <class WeightsOf>
    void combine(const WeightsOf& weights_of, std::span<const double> own) {
        finish(own, [&](std::size_t piece) {
            const Piece& p = pieces_[piece];
            const double* const weights = weights_of(piece);
            PoolVector<double> chosen;
            for (const Index task : p.rows)
                chosen.push_back(weights[task]);
            if (p.postponed)
                p.postponed->weights = std::move(chosen);
            else if (p.slot)
                p.slot->gathered = p.slot->gathered->sum(chosen);
            else
                add_to(*p.node, p.gradients->value().data(), chosen);
        });
    }

    /// The same with gradients on the pieces that were made of all tasks, `direction_of(piece)` of as many elements as it has.
    template <class DirectionOf>
    void apply(const DirectionOf& direction_of, std::span<const double> own) {
        finish(own, [&](std::size_t piece) {
            const Piece& p = pieces_[piece];
            const Scalar* const from = direction_of(piece);
            const Shape row = p.node->value.shape().prepended(1);
            const double one = 1;
            if (p.slot)
                p.slot->gathered = std::make_unique<detail::Cotangents<Scalar>>(
                    detail::Rows::all(1), Tensor<Scalar>{row, std::span{from, static_cast<std::size_t>(row.numel())}});
            else
                add_to(*p.node, from, {&one, 1});
        });
    }

private:
    using NodePtr = std::shared_ptr<detail::Node<Scalar>>;
    using Slot = detail::Slot<Scalar>;

    struct Kept {
        NodePtr leaf;
        std::unique_ptr<detail::Cotangents<Scalar>> gradients;
        bool below;  ///< features are made of it too: it is shared, whoever reaches it beside them

        [[nodiscard]] bool shared() const noexcept { return below || gradients->rows().size() > 1; }
    };
    struct Postponed final : detail::Deferred<Scalar> {
        PoolVector<double> weights = {};

        void add_rows(std::size_t i, Index numel, const Scalar* gradient) override {
            kernels::add_row_products<Scalar>(this->rows.size(), numel, gradient, gradient, this->gramians[i].data());
        }
        bool add_factors(std::size_t i, Index n, Index out, Index in, const Scalar* d, const Scalar* x) override {
            const Index tasks = this->rows.size();
            const bool pays = kernels::product_gramian_pays(tasks, n, out, in);
            if (pays)
                kernels::add_product_gramian(tasks, n, out, in, d, x, this->gramians[i].data());
            return pays;
        }
    };
    struct Piece {
        detail::Node<Scalar>* node;
        detail::Rows rows;
        detail::Cotangents<Scalar>* gradients = nullptr;  ///< kept, or null:
        const double* gramian = nullptr;                        ///< all that is known of one that is made again
        Postponed* postponed = nullptr;
        Slot* slot = nullptr;  ///< from where the traversal goes on, of features
    };

    TaskGradients(detail::Seeds<Scalar> seeds, Index tasks, const TaskGradientsOptions& options)
        : tasks_{tasks}, retain_graph_{options.retain_graph}, traversal_{"jacobian", seeds, detail::Rows::all(1), false} {
        if (options.at_features)
            below_ = traversal_.below_features();
        const auto uses = traversal_.uses_of_leaves();
        traversal_.start(std::move(seeds));
        std::size_t index = 0;
        for (Slot& slot : traversal_.results()) {
            if (below(index++))
                continue;
            if (slot.gathered && !options.rows && postpone(slot, uses, options.kept_elements)) {
                traversal_.pass(slot, postponed_.back().get());
                slot.gathered.reset();
            } else {
                traversal_.pass(slot);
                traversal_.leave(slot, retain_graph_);
            }
        }
        for (Slot& leaf : traversal_.leaves()) {
            if (leaf.gathered)
                kept_.push_back({leaf.node, std::move(leaf.gathered), below(index)});
            ++index;
        }
        find_pieces();
    }

    [[nodiscard]] static detail::Seeds<Scalar> seeds_of(std::span<const Variable<Scalar>> losses, const TaskGradientsOptions& options) {
        require<ShapeError>(options.weights.empty() || options.weights.size() == losses.size(), "jacobian", "expected ", losses.size(),
                            " weights, got ", options.weights.size());
        detail::Seeds<Scalar> seeds;
        for (std::size_t t = 0; t < losses.size(); ++t)
            seeds.push_back(detail::scalar_seed("jacobian", losses[t],
                                                detail::Rows{static_cast<Index>(options.tasks.empty() ? t : options.tasks[t])},
                                                options.weights.empty() ? 1 : options.weights[t]));
        return seeds;
    }

    [[nodiscard]] bool below(std::size_t slot) const { return !below_.empty() && below_[slot]; }
    [[nodiscard]] static std::string_view path(detail::Node<Scalar>& node) {
        return node.parameter && node.shown ? std::string_view{node.name()} : std::string_view{};
    }

    /// Whether a node's cotangents are to be kept instead of its parameters' gradients, which then are larger.
    [[nodiscard]] bool postpone(Slot& slot, const PoolVector<std::uint32_t>& uses, Index kept_elements) {
        const detail::Rows& rows = slot.gathered->rows();
        const std::size_t inputs = slot.node->inputs.size();
        if (rows.size() < 2 || inputs > detail::Deferred<Scalar>::most_inputs)
            return false;
        std::array<bool, detail::Deferred<Scalar>::most_inputs> covered{};
        Index size = 0;
        for (std::size_t i = 0; i < inputs; ++i) {
            const Slot* const input = traversal_.receiver(slot, i);
            covered[i] = input && input->node->is_leaf() && uses[static_cast<std::size_t>(input - traversal_.leaves().data())] == 1;
            size += covered[i] ? input->node->value.numel() : 0;
        }
        if (size <= slot.node->value.numel() || size <= kept_elements / rows.size())
            return false;
        Postponed& later = *postponed_.emplace_back(std::make_unique<Postponed>());
        later.slot = &slot;
        later.rows = rows;
        later.cotangents = slot.gathered->value();
        for (std::size_t i = 0; i < inputs; ++i)
            if (covered[i])
                later.gramians[i].resize(static_cast<std::size_t>(rows.size() * rows.size()));
        return true;
    }

    void find_pieces() {
        pieces_.clear();
        for (const Kept& kept : kept_)
            if (kept.shared())
                pieces_.push_back({kept.leaf.get(), kept.gradients->rows(), kept.gradients.get()});
        for (const auto& later : postponed_)
            for (std::size_t i = 0; i < later->slot->node->inputs.size(); ++i)
                if (later->covers(i))
                    pieces_.push_back({later->slot->node->inputs[i].node.get(), later->rows, nullptr, later->gramians[i].data(),
                                       later.get()});
        std::size_t index = 0;
        for (Slot& slot : traversal_.results())
            if (below(index++) && slot.gathered)
                pieces_.push_back({slot.node.get(), slot.gathered->tasks(), slot.gathered.get(), nullptr, nullptr, &slot});
        // In the order in which they were made, so that a rule finds its state again in the next step.
        std::sort(pieces_.begin(), pieces_.end(), [](const Piece& a, const Piece& b) { return a.node->sequence < b.node->sequence; });
    }
    template <class AddPiece>
    void finish(std::span<const double> own, const AddPiece& add_piece) {
        for (const Kept& kept : kept_)
            if (!kept.shared())
                add_to(*kept.leaf, kept.gradients->value().data(), {own.data() + *kept.gradients->rows().begin(), 1});
        for (std::size_t i = 0; i < pieces_.size(); ++i)
            add_piece(i);
        traversal_.aim_at_gradients();
        for (const auto& later : postponed_) {
            later->again = true;
            later->slot->gathered = detail::Cotangents<Scalar>{later->rows, std::move(later->cotangents)}.sum(later->weights);
            traversal_.pass(*later->slot, later.get());
            traversal_.leave(*later->slot, retain_graph_);
        }
        std::size_t index = 0;
        for (Slot& slot : traversal_.results())
            if (below(index++)) {
                traversal_.pass(slot);
                traversal_.leave(slot, retain_graph_);
            }
        for (Slot& leaf : traversal_.leaves()) {
            leaf.finish_gradient(traversal_.direct_rows());
        }
    }

    static void add_to(detail::Node<Scalar>& leaf, const Scalar* rows, std::span<const double> weights) {
        kernels::weighted_row_sum(static_cast<Index>(weights.size()), leaf.value.numel(), rows, weights.data(), detail::gradient_of(leaf));
        leaf.has_gradient = true;
    }

    Index tasks_;
    bool retain_graph_;
    detail::Traversal<Scalar> traversal_;
    PoolVector<bool> below_;  ///< of all slots, at features
    PoolVector<Kept> kept_;
    PoolVector<std::unique_ptr<Postponed>> postponed_;
    PoolVector<Piece> pieces_;
};

}  // namespace espalier::inline ESPALIER_ABI::autograd
