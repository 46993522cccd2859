// SPDX-License-Identifier: MIT
/// @file What a criterion holds when its tasks are balanced, whatever the rule: what one does not use is not compiled.
#pragma once

#include <espalier/autograd/arithmetic.hpp>
#include <espalier/autograd/reshape.hpp>
#include <espalier/core/named.hpp>
#include <espalier/mtl/balancing/evidence.hpp>
#include <espalier/mtl/balancing/rule.hpp>

#include <memory>
#include <optional>
#include <span>
#include <string>
#include <utility>
#include <vector>

namespace espalier::inline ESPALIER_ABI::mtl {

/// Where a rule that sees gradients looks.
enum class Scope {
    whole,    ///< on all that is shared, at once
    layers,   ///< on each layer by itself, a copy of the rule for each
    features  ///< on what the shared part gives to the heads: it is traversed once, whatever T is
};

/// How a criterion uses a rule.
struct BalanceOptions {
    Scope scope = Scope::whole;
    /// Parts of the model, such as `{"trunk.0", "trunk.3"}`: each by itself, and what is in none of them too.
    std::vector<std::string> groups = {};
    /// A head gets its task's own gradient, or with this times the task's weight; scalarizers always do the latter.
    bool weigh_heads = false;
};

/// What a backward pass of a criterion's losses may be told.
struct BackwardOptions {
    bool retain_graph = false;  ///< keep the graph for another pass
    double scale = 1;           ///< of all gradients: 1 / k when the batches of k passes are to count as one
    bool more = false;          ///< only collect: the pass without it decides, for all batches since the last that did
};

namespace detail {

/// The sum of two variables of one element each, as a scalar.
template <class Scalar>
[[nodiscard]] Variable<Scalar> plus(const Variable<Scalar>& a, const Variable<Scalar>& b) {
    const Variable<Scalar> terms[] = {autograd::reshape(a, {}), autograd::reshape(b, {})};
    const Scalar ones[] = {1, 1};
    return autograd::weighted_sum<Scalar>(terms, ones);
}

/// The active tasks of one batch.
template <class Scalar>
struct ActiveTasks {
    PoolVector<Variable<Scalar>> losses = {};  ///< of one element each
    PoolVector<double> factors = {};           ///< the criterion's weight of each
    PoolVector<std::size_t> tasks = {};        ///< which of all they are
    std::size_t task_count = 0;
    std::optional<Variable<Scalar>> term = {};  ///< belongs to no task: it is learned from beside what the rule decides
};

/// What the rule saw and said in a step.
struct Decision {
    Weights observed = {};                ///< what reaches the losses from a rule's total, of all tasks
    std::optional<Weights> weights = {};  ///< of all tasks, 0 of those that were not active
    std::optional<Matrix> gramian = {};   ///< of all tasks, likewise
};

/// A rule at work in a criterion.
template <class Scalar>
class Balancer {
public:
    Balancer() = default;
    Balancer& operator=(const Balancer&) = delete;
    virtual ~Balancer() = default;

    [[nodiscard]] virtual std::unique_ptr<Balancer> clone() const = 0;
    /// Whether the total is the rule's own, and not the sum.
    [[nodiscard]] virtual bool makes_total() const noexcept = 0;
    /// With the term, of which the rule sees nothing.
    [[nodiscard]] virtual Variable<Scalar> total(const ActiveTasks<Scalar>& active, const std::shared_ptr<Decision>& decision) = 0;
    /// `total` is what the function above gave, if it was asked.
    virtual void backward(const ActiveTasks<Scalar>& active, const Variable<Scalar>* total, Decision& decision,
                          const BackwardOptions& options) = 0;
    /// Whether batches have been collected that are still to be decided on.
    [[nodiscard]] virtual bool collecting() const noexcept = 0;
    [[nodiscard]] virtual bool wants_after_step() const noexcept = 0;
    virtual void after_step(const ActiveTasks<Scalar>& active) = 0;
    virtual void end_epoch() = 0;
    virtual void visit(RuleVisitor<Scalar>& visitor) = 0;
    /// Makes room for the state of copies of the rule that a saved state tells of.
    virtual void prepare(const std::vector<std::string>& paths) = 0;

protected:
    Balancer(const Balancer&) = default;
};

/// What the losses of one step under a rule keep for their backward pass.
template <class Scalar>
struct BalancedStep {
    std::shared_ptr<Balancer<Scalar>> balancer;
    ActiveTasks<Scalar> active;
    std::shared_ptr<Decision> decision = std::allocate_shared<Decision>(PoolAllocator<Decision>{});
    std::optional<Variable<Scalar>> total = {};  ///< the rule's, once it was asked for

    /// Asked for late, as a batch that is only collected has none.
    [[nodiscard]] const Variable<Scalar>& make_total() {
        if (!total)
            total = balancer->total(active, decision);
        return *total;
    }
    void add(const Variable<Scalar>& term) {
        active.term = active.term ? plus(*active.term, term) : term;
        if (total)
            total = plus(*total, term);
    }
    void backward(const BackwardOptions& options) {
        const bool own = balancer->makes_total() && !options.more && !balancer->collecting();
        balancer->backward(active, own ? &make_total() : nullptr, *decision, options);
    }
};

/// A copy of a criterion balances on its own; the losses of a step keep the one that they came from.
template <class Scalar>
class BalancerOwner {
public:
    BalancerOwner() = default;
    BalancerOwner(const BalancerOwner& other) : held_{other.held_ ? other.held_->clone() : nullptr} {}
    BalancerOwner(BalancerOwner&&) noexcept = default;
    BalancerOwner& operator=(BalancerOwner other) noexcept {
        held_ = std::move(other.held_);
        return *this;
    }
    ~BalancerOwner() = default;

    void hold(std::unique_ptr<Balancer<Scalar>> balancer) { held_ = std::move(balancer); }
    [[nodiscard]] const std::shared_ptr<Balancer<Scalar>>& held() const noexcept { return held_; }

private:
    std::shared_ptr<Balancer<Scalar>> held_;
};

}  // namespace detail
}  // namespace espalier::inline ESPALIER_ABI::mtl
