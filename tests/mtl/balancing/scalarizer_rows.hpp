// SPDX-License-Identifier: MIT
/// @file Every rule that needs the losses alone behind one type, with what it promises, for tests that run over all of them.
#pragma once

#include <espalier/mtl/balancing/dwa.hpp>
#include <espalier/mtl/balancing/famo.hpp>
#include <espalier/mtl/balancing/fixed_weights.hpp>
#include <espalier/mtl/balancing/geometric.hpp>
#include <espalier/mtl/balancing/go4align.hpp>
#include <espalier/mtl/balancing/igb.hpp>
#include <espalier/mtl/balancing/loss_ratio.hpp>
#include <espalier/mtl/balancing/preference.hpp>
#include <espalier/mtl/balancing/rlw.hpp>
#include <espalier/mtl/balancing/stch.hpp>
#include <espalier/mtl/balancing/uncertainty.hpp>

#include <concepts>
#include <cstddef>
#include <functional>
#include <memory>
#include <span>
#include <string>
#include <utility>
#include <vector>

namespace testing {

using namespace espalier;

/// A rule of double behind virtual calls, with the moments that it leaves out.
class AnyScalarizer {
public:
    template <class Rule>
    explicit AnyScalarizer(Rule rule) : self_{std::make_unique<Model<Rule>>(std::move(rule))} {}
    AnyScalarizer(const AnyScalarizer& other) : self_{other.self_->clone()} {}
    AnyScalarizer(AnyScalarizer&&) noexcept = default;
    AnyScalarizer& operator=(AnyScalarizer other) noexcept {
        self_.swap(other.self_);
        return *this;
    }

    [[nodiscard]] Variable<double> operator()(const mtl::Losses<double>& losses) { return self_->call(losses); }
    void start(std::size_t tasks) { self_->start(tasks); }
    void after_step(std::span<const double> losses) { self_->after_step(losses); }
    void end_epoch() { self_->end_epoch(); }
    void visit(mtl::RuleVisitor<double>& visitor) { self_->visit(visitor); }

private:
    struct Interface {
        virtual ~Interface() = default;
        [[nodiscard]] virtual std::unique_ptr<Interface> clone() const = 0;
        [[nodiscard]] virtual Variable<double> call(const mtl::Losses<double>& losses) = 0;
        virtual void start(std::size_t tasks) = 0;
        virtual void after_step(std::span<const double> losses) = 0;
        virtual void end_epoch() = 0;
        virtual void visit(mtl::RuleVisitor<double>& visitor) = 0;
    };
    template <class Rule>
    struct Model final : Interface {
        static_assert(mtl::Scalarizer<Rule, double> && std::copyable<Rule>);

        explicit Model(Rule its_rule) : rule{std::move(its_rule)} {}
        [[nodiscard]] std::unique_ptr<Interface> clone() const override { return std::make_unique<Model>(*this); }
        [[nodiscard]] Variable<double> call(const mtl::Losses<double>& losses) override { return rule(losses); }
        void start(std::size_t tasks) override {
            if constexpr (requires { rule.start(tasks); })
                rule.start(tasks);
        }
        void after_step(std::span<const double> losses) override {
            if constexpr (requires { rule.after_step(losses); })
                rule.after_step(losses);
        }
        void end_epoch() override {
            if constexpr (requires { rule.end_epoch(); })
                rule.end_epoch();
        }
        void visit(mtl::RuleVisitor<double>& visitor) override {
            if constexpr (requires { rule.visit(visitor); })
                rule.visit(visitor);
        }
        Rule rule;
    };

    std::unique_ptr<Interface> self_;
};

struct ScalarizerRow {
    std::string name = {};  ///< of the class
    std::function<AnyScalarizer()> make = {};
    bool permutation = true;     ///< the order of the tasks does not matter
    bool scale_free = false;     ///< multiplying all losses of a task by c > 0 divides its weight by c and changes no other
    bool same_weights = false;   ///< it changes no weight at all
    bool above_zero = false;     ///< refuses losses that are not above 0
    bool at_least_zero = false;  ///< refuses losses below 0
};

/// With their defaults, but for what has none; at most 40 tasks.
[[nodiscard]] inline std::vector<ScalarizerRow> scalarizer_rows() {
    const auto row = [](std::string name, auto rule, ScalarizerRow promises) {
        promises.name = std::move(name);
        promises.make = [rule] { return AnyScalarizer{rule}; };
        return promises;
    };
    return {
        row("Sum", mtl::Sum{}, {.same_weights = true}),
        row("Mean", mtl::Mean{}, {.same_weights = true}),
        row("UncertaintyWeighting", mtl::UncertaintyWeighting<double>{}, {.same_weights = true}),
        row("IMTLL", mtl::IMTLL<double>{}, {.same_weights = true}),
        row("OptimalUncertaintyWeighting", mtl::OptimalUncertaintyWeighting{}, {.scale_free = true, .above_zero = true}),
        row("SoftOptimalUncertaintyWeighting", mtl::SoftOptimalUncertaintyWeighting{}, {.above_zero = true}),
        row("DWA", mtl::DWA{}, {.same_weights = true}),
        row("RLW", mtl::RLW{}, {.permutation = false, .same_weights = true}),
        row("RLW, Dirichlet", mtl::RLW{{.distribution = mtl::RandomWeights::dirichlet}}, {.permutation = false, .same_weights = true}),
        row("GLS", mtl::GLS{}, {.at_least_zero = true}),
        row("ScaleInvariant", mtl::ScaleInvariant{}, {.scale_free = true, .above_zero = true}),
        row("STCH", mtl::STCH{}, {}),
        row("NadirSTCH", mtl::NadirSTCH{{.warmup_epochs = 1}}, {.scale_free = true, .above_zero = true}),
        row("FAMO", mtl::FAMO{}, {.at_least_zero = true}),
        row("PBI", mtl::PBI{}, {}),
        row("COSMOS", mtl::COSMOS{}, {}),
        row("IGBv1", mtl::IGBv1{}, {.scale_free = true, .above_zero = true}),
        row("GO4Align", mtl::GO4Align{}, {.above_zero = true}),
        row("LBTW", mtl::LBTW{}, {.same_weights = true, .above_zero = true}),
        row("CoVWeighting", mtl::CoVWeighting{}, {.same_weights = true, .at_least_zero = true}),
    };
}

}  // namespace testing
