// SPDX-License-Identifier: MIT
/// @file The learning rates of an optimizer's groups, where a scheduler finds them though the optimizer be moved.
#pragma once

#include <espalier/core/error.hpp>
#include <espalier/core/memory.hpp>

#include <algorithm>
#include <limits>
#include <memory>
#include <span>
#include <utility>

namespace espalier::inline ESPALIER_ABI::optim::detail {

/// The largest count of steps: more no double tells apart, and no training has.
inline constexpr Index max_steps = Index{1} << 53;

/// @throws ValueError unless at least 0, and finite as a `Scalar`. `place` ends the message.
template <class Scalar, class... Place>
void require_at_least_0(const char* operation, const char* name, double value, const Place&... place) {
    require<ValueError>(value >= 0 && value <= static_cast<double>(std::numeric_limits<Scalar>::max()), operation, "expected a finite ",
                        name, " of at least 0, got ", value, place...);
}

/// One learning rate for each group.
template <class Scalar>
struct Rates {
    const char* operation;
    PoolVector<double> values;

    /// @throws StateError for another number of them, ValueError for one that is no learning rate; nothing is changed then.
    void set(std::span<const double> rates) {
        require<StateError>(rates.size() == values.size(), operation, "expected ", values.size(), " learning rates, got ", rates.size());
        for (std::size_t i = 0; i < rates.size(); ++i) {
            if (rates.size() == 1)
                require_at_least_0<Scalar>(operation, "learning_rate", rates[i]);
            else
                require_at_least_0<Scalar>(operation, "learning_rate", rates[i], ", in group ", i);
        }
        std::copy(rates.begin(), rates.end(), values.begin());
    }
};

/// The rates of one optimizer. They stay at their place when it is moved, and so a scheduler refers to that place and not to
/// the optimizer. A copy has a place of its own, and assigning to a copy changes what is there.
template <class Scalar>
class RatesOwner {
public:
    explicit RatesOwner(Rates<Scalar> rates) : place_{made(std::move(rates))} {}
    RatesOwner(const RatesOwner& other) : place_{other.place_ ? made(*other.place_) : nullptr} {}
    RatesOwner(RatesOwner&&) noexcept = default;
    RatesOwner& operator=(const RatesOwner& other) {
        if (place_ && other.place_)
            *place_ = *other.place_;
        else
            *this = RatesOwner{other};
        return *this;
    }
    RatesOwner& operator=(RatesOwner&&) noexcept = default;
    ~RatesOwner() = default;

    /// Null if moved from.
    [[nodiscard]] const std::shared_ptr<Rates<Scalar>>& place() const noexcept { return place_; }

private:
    [[nodiscard]] static std::shared_ptr<Rates<Scalar>> made(Rates<Scalar> rates) {
        return std::allocate_shared<Rates<Scalar>>(PoolAllocator<Rates<Scalar>>{}, std::move(rates));
    }

    std::shared_ptr<Rates<Scalar>> place_;
};

}  // namespace espalier::inline ESPALIER_ABI::optim::detail
