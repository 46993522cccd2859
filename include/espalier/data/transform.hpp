// SPDX-License-Identifier: MIT
/// @file What a loader does to a batch after it is gathered, such as random flips: any function of the right form.
#pragma once

#include <espalier/core/random.hpp>
#include <espalier/data/batch.hpp>

#include <concepts>
#include <cstddef>
#include <functional>
#include <type_traits>
#include <utility>
#include <vector>

namespace espalier::inline ESPALIER_ABI::data {
namespace detail {

/// In which of the forms below a function can be called as a transform.
enum class TransformForm { in_place, returns, on_a_copy, not_const, none };

template <class F, class Scalar>
[[nodiscard]] consteval TransformForm transform_form() {
    using B = Batch<Scalar>;
    if constexpr (std::is_invocable_v<const F&, B&, Random&>) {
        using Result = std::invoke_result_t<const F&, B&, Random&>;
        if constexpr (std::is_same_v<std::remove_cvref_t<Result>, B>)
            return TransformForm::returns;
        else if constexpr (!std::is_void_v<Result>)
            return TransformForm::none;
        else  // what also takes a temporary has a copy, or cannot change what it sees
            return std::is_invocable_v<const F&, B, Random&> ? TransformForm::on_a_copy : TransformForm::in_place;
    } else if constexpr (std::is_invocable_v<const F&, B, Random&>) {
        const bool returns = std::is_same_v<std::remove_cvref_t<std::invoke_result_t<const F&, B, Random&>>, B>;
        return returns ? TransformForm::returns : TransformForm::none;
    } else {
        return std::is_invocable_v<F&, B&, Random&> ? TransformForm::not_const : TransformForm::none;
    }
}

/// Fails to compile, with one sentence, for what is no transform.
template <class F, class Scalar>
[[nodiscard]] consteval bool check_transform() {
    constexpr TransformForm form = transform_form<F, Scalar>();
    static_assert(form != TransformForm::on_a_copy,
                  "this transform takes the batch by value or const and returns nothing, so what it does would be lost: take it as "
                  "`data::Batch<Scalar>&`, or return it");
    static_assert(form != TransformForm::not_const,
                  "this transform is `mutable`, but a batch must depend on (seed, epoch, batch) alone: keep nothing from one batch to "
                  "the next, and draw from the `Random&` it is given");
    static_assert(form != TransformForm::none,
                  "expected a transform callable as `void(data::Batch<Scalar>&, Random&)` or `data::Batch<Scalar>(data::Batch<Scalar>, "
                  "Random&)`");
    return form == TransformForm::in_place || form == TransformForm::returns;
}

/// Calls a function of either form.
template <class F, class Scalar>
void apply_transform(const F& f, Batch<Scalar>& batch, Random& random) {
    if constexpr (transform_form<F, Scalar>() == TransformForm::in_place) {
        f(batch, random);
    } else if constexpr (std::is_invocable_v<const F&, Batch<Scalar>, Random&>) {
        Batch<Scalar> result = f(std::move(batch), random);
        batch = std::move(result);
    } else {
        auto&& result = f(batch, random);
        if (&result != &batch)
            batch = std::forward<decltype(result)>(result);
    }
}

}  // namespace detail

/// Holds a function of one of two forms, a lambda as well as `random_horizontal_flip()`:
/// @code
/// [](data::Batch<>& batch, Random& random) { ... }                    // changes the batch
/// [](data::Batch<> batch, Random& random) { ...; return batch; }      // gives another one
/// @endcode
/// Anything else fails to compile with a sentence that says why. It is called on the loader's thread, and by several loops at
/// once if there are: what it captures must bear that.
template <class Scalar = float>
class Transform {
public:
    /// Changes nothing.
    Transform() = default;
    Transform(std::nullptr_t) {}
    template <class F>
        requires(!std::same_as<std::remove_cvref_t<F>, Transform>)
    Transform(F&& function) {
        using Function = std::decay_t<F>;
        if constexpr (detail::check_transform<Function, Scalar>()) {
            if constexpr (std::is_constructible_v<bool, Function> && std::is_assignable_v<Function&, std::nullptr_t>)
                if (!function)  // a pointer or a std::function that holds nothing
                    return;
            function_ = [f = Function(std::forward<F>(function))](Batch<Scalar>& batch, Random& random) {
                detail::apply_transform(f, batch, random);
            };
        }
    }

    void operator()(Batch<Scalar>& batch, Random& random) const {
        if (function_)
            function_(batch, random);
    }
    /// False if it changes nothing.
    [[nodiscard]] explicit operator bool() const noexcept { return static_cast<bool>(function_); }

private:
    std::function<void(Batch<Scalar>&, Random&)> function_;
};

/// One transform after the other, each drawing where the one before stopped: `compose(random_horizontal_flip(), random_shift(2))`.
template <class... Transforms>
[[nodiscard]] auto compose(Transforms... transforms) {
    return [... f = std::move(transforms)]<class Scalar>(Batch<Scalar>& batch, Random& random) {
        if constexpr ((true && ... && detail::check_transform<Transforms, Scalar>()))
            (detail::apply_transform(f, batch, random), ...);
    };
}
/// The same for a number of transforms that is known at run time.
template <class Scalar>
[[nodiscard]] Transform<Scalar> compose(std::vector<Transform<Scalar>> transforms) {
    return [transforms = std::move(transforms)](Batch<Scalar>& batch, Random& random) {
        for (const Transform<Scalar>& transform : transforms)
            transform(batch, random);
    };
}

}  // namespace espalier::inline ESPALIER_ABI::data
