// SPDX-License-Identifier: MIT
/// @file When to end a training that no longer gets better, and the way back to the weights of its best moment.
#pragma once

#include <espalier/core/error.hpp>
#include <espalier/core/finite.hpp>

#include <any>
#include <cmath>
#include <concepts>
#include <limits>
#include <type_traits>
#include <utility>

namespace espalier::inline ESPALIER_ABI::train {

/// Whether less of a value is better, as of a loss, or more of it, as of an accuracy.
enum class Mode { min, max };

/// Designated initialisers stand in this order.
struct EarlyStoppingOptions {
    Index patience = 10;   ///< so many updates in a row without a better value end the training; at least 1
    double min_delta = 0;  ///< a value is better only if it is so by more than this
    Mode mode = Mode::min;
};

/// What `state_dict()` gives and `load_state_dict` takes: any module, an optimizer as well.
template <class M>
concept HasStateDict = requires(const M& constant, M& model) {
    { constant.state_dict() };
    requires std::copy_constructible<std::remove_cvref_t<decltype(constant.state_dict())>>;
    model.load_state_dict(constant.state_dict());
};

/// Watches a value of each epoch, keeps a copy of the model's state at the best one, and says when to stop (Prechelt, 1998).
/// @code
/// train::EarlyStopping stopping{{.patience = 5}};
/// for (int epoch = 0; epoch < 100 && !stopping.should_stop(); ++epoch) {
///     ...;
///     stopping.update(validation_loss, net);
/// }
/// stopping.restore(net);  // the values move into the same parameters: optimizers keep their grip
/// @endcode
class EarlyStopping {
public:
    /// @throws ValueError for a patience below 1, or a min_delta that is not finite and at least 0.
    ESPALIER_COLD explicit EarlyStopping(const EarlyStoppingOptions& options = {}) : options_{options}, best_{worst()} {
        require<ValueError>(options.patience >= 1, "early_stopping", "expected a patience of at least 1, got ", options.patience);
        require<ValueError>(options.min_delta >= 0 && is_finite(options.min_delta), "early_stopping",
                            "expected a finite min_delta of at least 0, got ", options.min_delta);
    }

    /// The value of the next epoch, reached with the model as it is now. NaN is never better, nor is the worst infinity.
    /// Nothing is changed if the model's `state_dict()` throws.
    template <HasStateDict Model>
    void update(double value, const Model& model) {
        if (is_better(value)) {
            best_state_ = std::any{model.state_dict()};
            best_ = value;
            best_epoch_ = epoch_;
        }
        ++epoch_;
    }

    /// Whether the last `patience` updates have brought nothing better. An update that does takes it back.
    [[nodiscard]] bool should_stop() const noexcept { return epoch_ - 1 - best_epoch_ >= options_.patience; }

    /// @throws StateError if no value has been better than none.
    [[nodiscard]] double best() const {
        require_best();
        return best_;
    }
    /// The update that brought it, counted from 0. @throws StateError if none has.
    [[nodiscard]] Index best_epoch() const {
        require_best();
        return best_epoch_;
    }

    /// Gives the model the state that it had at the best value. @throws StateError if there is none, or it is of a model of
    /// another kind, and as the model's `load_state_dict`.
    template <HasStateDict Model>
    void restore(Model& model) const {
        require_best();
        const auto* const state = std::any_cast<std::remove_cvref_t<decltype(std::as_const(model).state_dict())>>(&best_state_);
        require<StateError>(state != nullptr, "early_stopping", "expected a model of the kind that was watched, got another");
        model.load_state_dict(*state);
    }

private:
    [[nodiscard]] double worst() const noexcept {
        const double infinity = std::numeric_limits<double>::infinity();
        return options_.mode == Mode::min ? infinity : -infinity;
    }
    [[nodiscard]] bool is_better(double value) const noexcept {
        return options_.mode == Mode::min ? value < best_ - options_.min_delta : value > best_ + options_.min_delta;
    }
    void require_best() const {
        require<StateError>(best_epoch_ >= 0, "early_stopping", "expected an update with a value before, got none");
    }

    EarlyStoppingOptions options_;
    double best_;
    Index epoch_ = 0;
    Index best_epoch_ = -1;  // none: all epochs so far count as wasted
    std::any best_state_;
};

}  // namespace espalier::inline ESPALIER_ABI::train
