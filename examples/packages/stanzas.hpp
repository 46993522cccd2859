// SPDX-License-Identifier: MIT
/// @file Descriptions of Debian's packages, as `apt-cache dumpavail` prints them.
#pragma once

#include <espalier/core/error.hpp>
#include <espalier/tensor/tensor.hpp>
#include <espalier/text/utf8.hpp>

#include <algorithm>
#include <charconv>
#include <istream>
#include <map>
#include <optional>
#include <set>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

namespace packages {

using espalier::Index;

/// What is read of a stanza.
struct Package {
    std::string name, description;    ///< of the latter the first line
    std::string source = {};          ///< what it is built from, with others often; the name if it does not say
    std::string section = {};         ///< without the part of the archive before it: "contrib/games" is "games"; may be empty
    std::optional<double> size = {};  ///< KiB when installed
    std::map<std::string, std::vector<std::string>> tags = {};  ///< "role::program" as "program" under "role"
};

namespace detail {

[[nodiscard]] inline std::string_view trimmed(std::string_view text) {
    const auto first = text.find_first_not_of(" \t\r\n"), last = text.find_last_not_of(" \t\r\n");
    return first == text.npos ? std::string_view{} : text.substr(first, last - first + 1);
}

inline void add_tags(Package& package, std::string_view list) {
    while (!list.empty()) {
        const auto end = std::min(list.find(','), list.size());
        const std::string_view tag = trimmed(list.substr(0, end));
        if (const auto colons = tag.find("::"); colons != tag.npos)
            package.tags[std::string{tag.substr(0, colons)}].emplace_back(tag.substr(colons + 2));
        list.remove_prefix(std::min(end + 1, list.size()));
    }
}

/// A stanza whose fields have been put together. @throws espalier::IoError
[[nodiscard]] inline Package package_of(std::map<std::string, std::string>& fields, Index line) {
    const auto first_line = [&](const char* field) { return fields[field].substr(0, fields[field].find('\n')); };
    const std::string english = first_line("Description-en");
    Package package{.name = fields["Package"],
                    .description = english.empty() ? first_line("Description") : english,
                    .source = fields["Source"].substr(0, fields["Source"].find(' ')),  // a version may stand behind it
                    .section = fields["Section"].substr(fields["Section"].rfind('/') + 1)};
    espalier::require<espalier::IoError>(!package.name.empty(), "packages", "expected a field 'Package' in the stanza that ends in line ",
                                         line, ", got none");
    if (package.source.empty())
        package.source = package.name;
    if (const std::string& size = fields["Installed-Size"]; !size.empty()) {
        long long kib = 0;
        const auto [end, error] = std::from_chars(size.data(), size.data() + size.size(), kib);
        espalier::require<espalier::IoError>(error == std::errc{} && end == size.data() + size.size() && kib >= 0, "packages",
                                             "expected a number as Installed-Size in the stanza that ends in line ", line, ", got '", size,
                                             "'");
        package.size = static_cast<double>(kib);
    }
    add_tags(package, fields["Tag"]);
    return package;
}

}  // namespace detail

/// Stanzas, with blank lines between them: `Field: value`, a line that begins with a blank goes on with the field before it. A package that
/// comes again, in another version, is left out; what is not UTF-8 is replaced. @throws espalier::IoError naming the line
[[nodiscard]] inline std::vector<Package> read_packages(std::istream& in) {
    std::vector<Package> packages;
    std::set<std::string> seen;
    std::map<std::string, std::string> fields;
    std::string* last = nullptr;
    Index number = 0;
    const auto end_stanza = [&] {
        if (!fields.empty())
            if (Package package = detail::package_of(fields, number); seen.insert(package.name).second)
                packages.push_back(std::move(package));
        fields.clear();
        last = nullptr;
    };
    for (std::string line; std::getline(in, line);) {
        ++number;
        line = espalier::text::encode_utf8(espalier::text::decode_utf8(line, espalier::text::InvalidUtf8::replace));
        if (detail::trimmed(line).empty()) {
            end_stanza();
            continue;
        }
        const bool goes_on = line.front() == ' ' || line.front() == '\t';
        const auto colon = line.find(':');
        espalier::require<espalier::IoError>(goes_on ? last != nullptr : colon != line.npos && colon > 0, "packages",
                                             "expected 'Field: value' in line ", number, ", got '", line.substr(0, 60), "'");
        if (goes_on) {
            last->append("\n").append(detail::trimmed(line));
        } else {
            last = &fields[line.substr(0, colon)];
            *last = detail::trimmed(std::string_view{line}.substr(colon + 1));
        }
    }
    end_stanza();
    return packages;
}

}  // namespace packages
