// SPDX-License-Identifier: MIT
/// @file A rule and what it looks at: the whole of what is shared, or parts of it, with a copy of the rule for each.
#pragma once

#include <espalier/autograd/task_gradients.hpp>
#include <espalier/mtl/balancing/any_rule.hpp>
#include <espalier/mtl/balancing/balancer.hpp>

#include <algorithm>
#include <cstddef>
#include <memory>
#include <span>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

namespace espalier::inline ESPALIER_ABI::mtl::detail {

template <class Scalar>
class RuleParts {
public:
    RuleParts(std::unique_ptr<AnyRule<Scalar>> rule, Scope scope, std::vector<std::string> groups)
        : pristine_{std::move(rule)}, scope_{scope}, groups_{std::move(groups)} {
        if (!several())
            (void)index_of("");
    }
    RuleParts(const RuleParts& other) : pristine_{other.pristine_->clone()}, scope_{other.scope_}, groups_{other.groups_} {
        for (const Part& part : other.parts_)
            parts_.push_back({part.name, part.rule->clone()});
    }
    RuleParts& operator=(const RuleParts&) = delete;
    ~RuleParts() = default;

    [[nodiscard]] Evidence evidence() const noexcept { return pristine_->evidence(); }
    [[nodiscard]] bool wants_after_step() const noexcept { return pristine_->wants_after_step(); }
    /// So far.
    [[nodiscard]] std::size_t size() const noexcept { return parts_.size(); }
    [[nodiscard]] AnyRule<Scalar>& operator[](std::size_t part) noexcept { return *parts_[part].rule; }
    /// The rule that looks at all there is.
    [[nodiscard]] AnyRule<Scalar>& whole() { return (*this)[index_of("")]; }

    /// Which part each piece of the gradients belongs to, piece after piece.
    [[nodiscard]] PoolVector<std::size_t> parts_of(std::span<const autograd::TaskGradients<Scalar>> gradients) {
        PoolVector<std::size_t> result;
        for (const auto& from : gradients)
            for (std::size_t piece = 0; piece < from.pieces(); ++piece)
                result.push_back(index_of(several() ? part_of(from.name(piece)) : std::string_view{}));
        return result;
    }

    void after_step(std::span<const double> losses) {
        for (auto& part : parts_)
            part.rule->after_step(losses);
    }
    void end_epoch() {
        for (auto& part : parts_)
            part.rule->end_epoch();
    }
    void visit(RuleVisitor<Scalar>& visitor) {
        for (auto& part : parts_)
            visitor(several() ? "part|" + part.name + "|" : std::string{"rule"}, *part.rule);
    }
    /// Makes room for the state of copies that a saved state tells of.
    void prepare(const std::vector<std::string>& paths) {
        for (const std::string_view path : paths)
            if (several() && path.starts_with("part|"))
                (void)index_of(path.substr(5, path.find('|', 5) - 5));
    }

private:
    struct Part {
        std::string name;
        std::unique_ptr<AnyRule<Scalar>> rule;
    };

    [[nodiscard]] bool several() const noexcept { return scope_ == Scope::layers || !groups_.empty(); }
    /// `trunk.0` of `trunk.0.weight`, or the group that it belongs to.
    [[nodiscard]] std::string_view part_of(std::string_view parameter) const {
        if (scope_ == Scope::layers)
            return parameter.substr(0, std::min(parameter.rfind('.'), parameter.size()));
        for (const std::string& group : groups_)
            if (parameter.starts_with(group) && (parameter.size() == group.size() || parameter[group.size()] == '.'))
                return group;
        return "";
    }
    [[nodiscard]] std::size_t index_of(std::string_view name) {
        const auto found = std::find_if(parts_.begin(), parts_.end(), [&](const Part& part) { return part.name == name; });
        if (found != parts_.end())
            return static_cast<std::size_t>(found - parts_.begin());
        parts_.push_back({std::string{name}, pristine_->clone()});
        return parts_.size() - 1;
    }

    std::unique_ptr<AnyRule<Scalar>> pristine_;  ///< what parts get copies of
    Scope scope_;
    std::vector<std::string> groups_;
    std::vector<Part> parts_;
};

}  // namespace espalier::inline ESPALIER_ABI::mtl::detail
