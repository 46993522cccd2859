// SPDX-License-Identifier: MIT
/// @file Which tensors of a state go into a model, and what does not fit.
#pragma once

#include <espalier/core/named.hpp>
#include <espalier/tensor/tensor.hpp>

#include <algorithm>
#include <cstring>
#include <functional>
#include <string>
#include <unordered_map>
#include <utility>
#include <vector>

namespace espalier::inline ESPALIER_ABI::nn {

/// Whether all of a state must fit, and under which names it has the tensors.
struct LoadStateOptions {
    bool strict = true;  ///< false, for a warm start: load what agrees in path and shape, and say what does not in the report
    std::function<std::string(std::string)> rename = {};  ///< from a name in the state to a path; "" leaves it out
};

/// What a state gave to a model, and what did not fit. Tensors of the model go by their paths, those of the state by their names in it.
struct StateReport {
    struct Mismatch {
        std::string path;
        Shape expected;
        Shape got;
    };
    std::vector<std::string> loaded;      ///< of the model, overwritten
    std::vector<std::string> missing;     ///< of the model, not in the state, as they were
    std::vector<Mismatch> mismatched;     ///< of the model, of another shape in the state, as they were
    std::vector<std::string> unexpected;  ///< of the state, not in the model

    [[nodiscard]] bool complete() const noexcept { return missing.empty() && mismatched.empty() && unexpected.empty(); }
    /// All that does not fit in one line; empty if all fits.
    [[nodiscard]] std::string text() const {
        std::string result;
        const auto add = [&](const auto&... parts) { result += concat(result.empty() ? "" : "; ", parts...); };
        for (const Mismatch& m : mismatched)
            add(m.path, " of shape ", m.expected, " came as ", m.got);
        for (const std::string& path : missing)
            add("missing ", path);
        for (const std::string& name : unexpected)
            add("unexpected ", name);
        return result;
    }
};

namespace detail {

template <class Scalar>
[[nodiscard]] bool same_bytes(const Tensor<Scalar>& a, const Tensor<Scalar>& b) {  // NaN is equal to itself here
    return std::memcmp(a.data(), b.data(), static_cast<std::size_t>(a.numel()) * sizeof(Scalar)) == 0;
}

/// Overwrites the tensors of a model, `own`, with those that fit. @throws as `load_state_dict`, before anything has changed
template <class Entry, class Scalar>
StateReport load_state(const Named<Entry>& own, const Named<Tensor<Scalar>>& state, const LoadStateOptions& options) {
    Named<std::pair<std::string, const Tensor<Scalar>*>> offered;  // by path: the name in the state
    for (const auto& [name, tensor] : state)
        if (std::string path = options.rename ? options.rename(name) : name; !options.rename || !path.empty())
            offered.insert(std::move(path), {name, &tensor});

    struct Fit {
        const std::string& path;
        const Entry& entry;
        const Tensor<Scalar>& tensor;
    };
    std::vector<Fit> fits;
    std::unordered_map<const void*, std::size_t> given;  // places in `fits`: two paths may lead to one parameter
    std::string clashes;
    for (const auto& [path, entry] : own) {
        const auto* const offer = offered.find(path);
        if (!offer || offer->second->shape() != entry.tensor->shape())
            continue;
        const auto [place, is_first] = given.emplace(entry.tensor, fits.size());
        if (!is_first && !same_bytes(*offer->second, fits[place->second].tensor))
            clashes += concat("; ", path, " is the same parameter as ", fits[place->second].path, " and came with other values");
        fits.push_back({path, entry, *offer->second});
    }

    StateReport report;
    for (const auto& [path, entry] : own)
        if (const auto* const offer = offered.find(path); offer && offer->second->shape() != entry.tensor->shape())
            report.mismatched.push_back({path, entry.tensor->shape(), offer->second->shape()});
        else
            (offer || given.contains(entry.tensor) ? report.loaded : report.missing).push_back(path);
    for (const auto& [path, offer] : offered)
        if (!own.contains(path))
            report.unexpected.push_back(offer.first);
    require<StateError>(clashes.empty() && (options.strict ? report.complete() : !report.loaded.empty() || own.empty()), "load_state_dict",
                        "expected the tensors of this model, got others", report.complete() ? "" : "; ", report.text(), clashes);
    for (const Fit& fit : fits)
        std::copy(fit.tensor.begin(), fit.tensor.end(), fit.entry.mutable_tensor().begin());
    return report;
}

}  // namespace detail
}  // namespace espalier::inline ESPALIER_ABI::nn
