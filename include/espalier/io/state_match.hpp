// SPDX-License-Identifier: MIT
/// @file Which tensor of a file goes where in a model, and one message about all that do not fit.
#pragma once

#include <espalier/io/tensor_file.hpp>

#include <cstddef>
#include <functional>
#include <initializer_list>
#include <string>
#include <string_view>
#include <unordered_map>
#include <unordered_set>
#include <utility>
#include <vector>

namespace espalier::inline ESPALIER_ABI::io {

/// What a file gave to a model, and what did not fit. Tensors of the model go by their paths, those of the file by their names
/// in it.
struct LoadReport {
    struct Mismatch {
        std::string path;
        std::string expected;  ///< `shape (4, 3)`; empty if no tensor of a file could fit
        std::string got;       ///< likewise; why not
    };
    std::vector<std::string> loaded;      ///< of the model, overwritten
    std::vector<std::string> missing;     ///< of the model, not in the file, as they were
    std::vector<Mismatch> mismatched;     ///< of the model, in the file but other in shape or type, as they were
    std::vector<std::string> unexpected;  ///< of the file, not in the model
    std::vector<std::string> ignored;     ///< of the file, left out as asked for, or PyTorch's counters of batches
    TensorFile::Metadata metadata;        ///< of the file: what `save` was given, and notes of its own

    [[nodiscard]] bool complete() const noexcept { return missing.empty() && mismatched.empty() && unexpected.empty(); }
    /// All that does not fit in one line, with the first names of each kind; empty if all fits.
    [[nodiscard]] std::string text() const;
};

namespace detail {

/// The first of many texts, and how many more there are.
class ShortList {
public:
    explicit ShortList(std::string_view before) : text_{before} {}
    void add(std::string_view item) {
        if (count_++ < most)
            text_ += concat(count_ > 1 ? ", " : "", item);
    }
    [[nodiscard]] std::string text() const {
        if (count_ == 0)
            return {};
        return count_ > most ? concat(text_, " and ", count_ - most, " more") : text_;
    }

private:
    static constexpr std::size_t most = 8;

    std::string text_;
    std::size_t count_ = 0;
};

/// The texts that are not empty, one behind the other.
[[nodiscard]] inline std::string joined(std::initializer_list<std::string> texts) {
    std::string result;
    for (const std::string& text : texts)
        result += result.empty() || text.empty() ? text : "; " + text;
    return result;
}

/// A tensor of a model, as a file should have it.
struct WantedTensor {
    std::string path;
    Shape shape;
    const void* tensor = nullptr;  ///< the same for two paths that lead to one tensor
    std::string unseen;            ///< why it cannot be loaded from any file; empty if it can
};
/// A tensor of a file, under the path that it is meant for.
struct OfferedTensor {
    std::string path;
    std::string name;
    const StoredTensor* stored = nullptr;
};

/// The tensors whose names begin with a prefix, without it: "trunk" and "trunk." both mean what lies below `trunk`.
[[nodiscard]] inline std::vector<OfferedTensor> below(const TensorFile& file, std::string prefix, const char* operation,
                                                      const std::string& where) {
    if (!prefix.empty() && prefix.back() != '.')
        prefix += '.';
    std::vector<OfferedTensor> result;
    for (const auto& [name, stored] : file)
        if (name.starts_with(prefix))
            result.push_back({name.substr(prefix.size()), name, &stored});
    require<StateError>(prefix.empty() || !result.empty(), operation, "expected tensors below '", printable(prefix), "'", where, ", got ",
                        file.some_names());
    return result;
}

/// Renames, and leaves out what becomes an empty path. `rename` may be empty.
inline void rename_all(std::vector<OfferedTensor>& offered, const std::function<std::string(std::string)>& rename, LoadReport& report) {
    if (!rename)
        return;
    std::vector<OfferedTensor> kept;
    for (OfferedTensor& tensor : offered)
        if (std::string path = rename(tensor.path); path.empty())
            report.ignored.push_back(tensor.name);
        else
            kept.push_back({std::move(path), tensor.name, tensor.stored});
    offered = std::move(kept);
}

[[nodiscard]] inline std::string shape_text(const std::vector<std::uint64_t>& extents) {
    std::string text = "shape (";
    for (std::size_t i = 0; i < extents.size(); ++i)
        text += concat(i ? ", " : "", extents[i]);
    return text + (extents.size() == 1 ? ",)" : ")");
}

/// `0.0.weight` of a file may be what the model calls `0.weight`.
[[nodiscard]] inline std::string nesting_hint(const LoadReport& report) {
    const std::unordered_set<std::string_view> unexpected(report.unexpected.begin(), report.unexpected.end());
    for (std::size_t i = 0; i < std::min<std::size_t>(report.missing.size(), 8); ++i) {
        const std::string& path = report.missing[i];
        for (std::size_t at = 0; at < path.size(); at = std::min(path.find('.', at), path.size() - 1) + 1)
            if (unexpected.contains(path.substr(0, at) + "0." + path.substr(at)))
                return "a Sequential alone in the braces of another is a copy of it and no layer within it, nest it by add()";
    }
    return {};
}

/// The stored tensor for each of the model's, null where nothing fits; `report` tells the rest. `Scalar` is the model's.
/// @throws StateError that lists what does not fit if `strict`, or if nothing does, or two tensors claim one path
template <class Scalar>
[[nodiscard]] std::vector<const StoredTensor*> match(const std::vector<WantedTensor>& wanted, const std::vector<OfferedTensor>& offered,
                                                     bool strict, const char* operation, const std::string& where, LoadReport& report) {
    std::unordered_map<std::string_view, std::size_t> places;
    for (std::size_t i = 0; i < wanted.size(); ++i)
        places.emplace(wanted[i].path, i);
    std::vector<const OfferedTensor*> found(wanted.size());
    ShortList clashes{"two tensors for one path: "};
    std::unordered_map<std::string_view, const OfferedTensor*> claimed;
    for (const OfferedTensor& tensor : offered) {
        if (const auto [other, first] = claimed.emplace(tensor.path, &tensor); !first)
            clashes.add(concat('\'', printable(other->second->name), "' and '", printable(tensor.name), "' for ", printable(tensor.path)));
        else if (const auto place = places.find(tensor.path); place != places.end())
            found[place->second] = &tensor;
        else
            report.unexpected.push_back(tensor.name);
    }
    std::vector<const StoredTensor*> result(wanted.size());
    std::unordered_set<const void*> given;
    for (std::size_t i = 0; i < wanted.size(); ++i) {
        if (!found[i])
            continue;
        const StoredTensor& stored = *found[i]->stored;
        const std::vector<std::uint64_t> extents(wanted[i].shape.begin(), wanted[i].shape.end());
        if (!wanted[i].unseen.empty()) {
            report.mismatched.push_back({wanted[i].path, {}, wanted[i].unseen});
        } else if (stored.extents() != extents) {
            report.mismatched.push_back({wanted[i].path, shape_text(extents), shape_text(stored.extents())});
        } else if (!reads<Scalar>(stored.dtype())) {
            report.mismatched.push_back({wanted[i].path, concat("type ", readable<Scalar>()), concat("type ", name_of(stored.dtype()))});
        } else {
            result[i] = &stored;
            given.insert(wanted[i].tensor);
        }
    }
    for (std::size_t i = 0; i < wanted.size(); ++i)
        if (result[i] || (!found[i] && given.contains(wanted[i].tensor)))
            report.loaded.push_back(wanted[i].path);
        else if (!found[i])
            report.missing.push_back(wanted[i].path);
    require<StateError>(clashes.text().empty() && (strict ? report.complete() : !report.loaded.empty() || wanted.empty()), operation,
                        "expected the tensors of this model", where,
                        ", got others: ", joined({clashes.text(), report.text(), nesting_hint(report)}));
    return result;
}

}  // namespace detail

inline std::string LoadReport::text() const {
    detail::ShortList other{""};
    for (const Mismatch& m : mismatched)
        other.add(m.expected.empty() ? concat(printable(m.path), ": ", m.got)
                                     : concat(printable(m.path), " of ", m.expected, " came as ", m.got));
    detail::ShortList absent{"missing "};
    for (const std::string& path : missing)
        absent.add(printable(path));
    detail::ShortList surplus{"unexpected "};
    for (const std::string& name : unexpected)
        surplus.add(printable(name));
    return detail::joined({other.text(), absent.text(), surplus.text()});
}

}  // namespace espalier::inline ESPALIER_ABI::io
