// SPDX-License-Identifier: MIT
/// @file Any number of layers as a member of a layer.
#pragma once

#include <espalier/nn/module.hpp>

#include <algorithm>
#include <cstddef>
#include <initializer_list>
#include <string>
#include <utility>
#include <vector>

namespace espalier::inline ESPALIER_ABI::nn {

/// A list of layers, or of lists of them, shown by position: `0.weight`.
///
/// Unlike a `std::vector` it hands over values and not places when it is assigned one of the same size: optimizers keep their grip.
template <class Child>
class Children {
public:
    Children() {}  // not defaulted: g++ 12 fails on members that are initialised by it
    Children(std::initializer_list<Child> children) : children_{children} {}
    Children(std::vector<Child> children) : children_{std::move(children)} {}
    Children(const Children&) = default;
    Children(Children&&) noexcept = default;
    Children& operator=(const Children& other) {
        if (this != &other)
            *this = Children{other};
        return *this;
    }
    Children& operator=(Children&& other) {
        if (this == &other)
            return *this;
        if (size() != other.size())
            children_ = std::move(other.children_);
        else
            std::move(other.begin(), other.end(), begin());
        return *this;
    }
    ~Children() = default;

    void push_back(Child child) { children_.push_back(std::move(child)); }
    [[nodiscard]] bool empty() const noexcept { return children_.empty(); }
    [[nodiscard]] std::size_t size() const noexcept { return children_.size(); }
    [[nodiscard]] Child& operator[](std::size_t i) noexcept { return children_[i]; }
    [[nodiscard]] const Child& operator[](std::size_t i) const noexcept { return children_[i]; }
    [[nodiscard]] auto begin() noexcept { return children_.begin(); }
    [[nodiscard]] auto end() noexcept { return children_.end(); }
    [[nodiscard]] auto begin() const noexcept { return children_.begin(); }
    [[nodiscard]] auto end() const noexcept { return children_.end(); }

    template <class Scalar>
    void visit(Visitor<Scalar>& visitor) {
        for (std::size_t i = 0; i < children_.size(); ++i)
            visitor(std::to_string(i), children_[i]);
    }

private:
    std::vector<Child> children_;
};

}  // namespace espalier::inline ESPALIER_ABI::nn
